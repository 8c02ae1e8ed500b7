package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The spectrum of an embedding matrix {@code [n, d]}, and the label-free scores that are read off it. All singular
 * values are those of the matrix as given, not centred; {@link #covarianceEigenvalues} centres the columns.
 */
public final class Spectrum {
    private static final double RANK_FLOOR = 1e-6;

    private Spectrum() {}

    /**
     * Singular values, highest first, {@code min(n, d)} of them.
     *
     * @param values {@code [n, d]} row by row
     * @throws CulvertException of kind DATA for a value that is not finite or a shape that does not fit
     */
    public static double[] singularValues(double[] values, int n, int d) {
        return falling(decompose(values, n, d, false, false).getSingularValues(), Math.min(n, d));
    }

    static void check(double[] values, int n, int d) {
        if (n < 1 || d < 1 || (long) n * d != values.length) {
            throw CulvertException.data("%d values do not make a matrix of %d x %d", values.length, n, d);
        }
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw CulvertException.data("feature %d of row %d is %s: the network has diverged", i % d, i / d,
                        values[i]);
            }
        }
    }

    private static SingularValueDecomposition_F64<DMatrixRMaj> decompose(
            double[] values, int n, int d, boolean left, boolean right) {
        check(values, n, d);
        SingularValueDecomposition_F64<DMatrixRMaj> svd = DecompositionFactory_DDRM.svd(n, d, left, right, true);
        if (!svd.decompose(new DMatrixRMaj(n, d, true, values.clone()))) {
            throw CulvertException.data("the singular values of a %d x %d matrix did not converge", n, d);
        }
        return svd;
    }

    private static double[] falling(double[] singular, int count) {
        double[] ascending = Arrays.copyOf(singular, count);
        Arrays.sort(ascending);
        return IntStream.range(0, count).mapToDouble(i -> ascending[count - 1 - i]).toArray();
    }

    /**
     * How much single rows have to say about the span of all.
     *
     * @param singularValues highest first
     * @param rank how many of them are above {@code 1e-6 s_1}; below lies what rounding to single precision makes of 0
     * @param highest {@code max_i |U_i|^2} over the first {@code rank} left singular vectors
     */
    record Leverage(double[] singularValues, int rank, double highest, int n) {
        double coherence() {
            if (rank == 0) {
                throw CulvertException.data("the coherence is undefined: all embeddings are 0");
            }
            return highest * n / rank;
        }
    }

    static Leverage leverage(double[] values, int n, int d) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd = decompose(values, n, d, true, false);
        int count = Math.min(n, d);
        double[] unordered = svd.getSingularValues();
        double[] singular = falling(unordered, count);
        DMatrixRMaj left = svd.getU(null, false);
        double[] leverage = new double[n];
        int rank = 0;
        for (int k = 0; k < count; k++) {
            if (unordered[k] > RANK_FLOOR * singular[0]) {
                rank++;
                for (int i = 0; i < n; i++) {
                    leverage[i] += left.get(i, k) * left.get(i, k);
                }
            }
        }
        return new Leverage(singular, rank, Arrays.stream(leverage).max().orElseThrow(), n);
    }

    /**
     * Coherence (Tsitsulin, Munkhoeva and Perozzi 2023, arXiv 2305.16562): {@code n / K max_i |U_i|^2} with the rows
     * U_i of the left singular vectors, K of them. K is the rank: singular values below {@code 1e-6 s_1} are rounding
     * and their vectors anything. From 1, when every row says as much as another, to n / K, when one has a direction
     * for itself. Lower is better. It says nothing, 1, where the rank is n: take more images than features.
     *
     * @param values {@code [n, d]} row by row
     */
    public static double coherence(double[] values, int n, int d) {
        return leverage(values, n, d).coherence();
    }

    /** The pseudo-condition number of the same paper, {@code s_min / s_max}, in 0..1. Higher is better. */
    public static double pseudoCondition(double[] singular) {
        positiveSum("the pseudo-condition number", singular);
        return singular[singular.length - 1] / singular[0];
    }

    /** The fewest right singular vectors whose squared values make up this share of all, {@code [r, d]}. */
    static double[] leadingDirections(double[] values, int n, int d, double share) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd = decompose(values, n, d, false, true);
        double[] squares = Arrays.stream(svd.getSingularValues()).limit(Math.min(n, d)).map(s -> s * s).toArray();
        double total = positiveSum("the leading subspace", squares);
        int[] order = Order.descending(squares);
        DMatrixRMaj right = svd.getV(null, true);
        double[] directions = new double[order.length * d];
        int r = 0;
        for (double held = 0; r < order.length && held < share * total; r++) {
            held += squares[order[r]];
            for (int j = 0; j < d; j++) {
                directions[r * d + j] = right.get(order[r], j);
            }
        }
        return Arrays.copyOf(directions, r * d);
    }

    /** Eigenvalues of the covariance (divisor n - 1) of the columns, highest first, {@code min(n, d)} of them. */
    public static double[] covarianceEigenvalues(double[] values, int n, int d) {
        if (n < 2) {
            throw CulvertException.data("a covariance needs at least 2 rows, got %d", n);
        }
        check(values, n, d);
        int[] rows = IntStream.range(0, n).toArray();
        double[] centred = Rows.centred(values, d, rows, Rows.mean(values, d, rows));
        double[] eigenvalues = singularValues(centred, n, d);
        for (int i = 0; i < eigenvalues.length; i++) {
            eigenvalues[i] *= eigenvalues[i] / (n - 1);
        }
        return eigenvalues;
    }

    /**
     * RankMe (Garrido et al., ICML 2023): {@code exp(-sum p ln p)} with {@code p_k = s_k / sum s + eps}. Between 1 and
     * the number of singular values; higher is richer.
     *
     * @param singular singular values
     */
    public static double rankMe(double[] singular, double eps) {
        double total = positiveSum("RankMe", singular);
        double entropy = 0;
        for (double s : singular) {
            double p = s / total + eps;
            entropy -= p > 0 ? p * Math.log(p) : 0;
        }
        return Math.exp(entropy);
    }

    /** {@code sum s^2 / s_1^2}, the squared Frobenius norm over the squared spectral norm. */
    public static double stableRank(double[] singular) {
        positiveSum("the stable rank", singular);
        double squares = 0;
        for (double s : singular) {
            squares += s * s;
        }
        return squares / (singular[0] * singular[0]);
    }

    /** NESum (He and Ozay, ICML 2022): {@code sum l / l_1} of the covariance's eigenvalues. */
    public static double neSum(double[] eigenvalues) {
        return positiveSum("NESum", eigenvalues) / eigenvalues[0];
    }

    /** {@code (sum l)^2 / sum l^2} of the covariance's eigenvalues. */
    public static double participationRatio(double[] eigenvalues) {
        double total = positiveSum("the participation ratio", eigenvalues);
        double squares = 0;
        for (double l : eigenvalues) {
            squares += l * l;
        }
        return total * total / squares;
    }

    /**
     * A power law fitted to a spectrum.
     *
     * @param alpha minus its exponent
     * @param first the first eigenvalue of the fit, counted from 1
     * @param last the last one that was above zero
     * @param r2 the share of the variance of {@code ln l_i} that the law explains, weighted as the fit
     */
    public record PowerLaw(double alpha, int first, int last, double r2) {
        /** In words, for tables. */
        public String window() {
            return String.format(Locale.ROOT, "eigenvalues %d-%d, R2 %.4f", first, last, r2);
        }
    }

    /** {@link #powerLaw} by ordinary least squares, its exponent alone. */
    public static double alphaReq(double[] eigenvalues, int first, int last) {
        return powerLaw(eigenvalues, first, last, false).alpha;
    }

    /**
     * Alpha-ReQ (Agrawal et al., NeurIPS 2022): minus the slope of {@code ln l_i} on {@code ln i} by least squares over
     * the eigenvalues {@code first..last}, counted from 1, both included. Eigenvalues that are zero but for rounding
     * (below {@code 1e-15 * count * l_1}) are left out. An exponent near 1 is best.
     *
     * @param eigenvalues of the covariance, highest first
     * @param weighted whether eigenvalue i counts {@code 1 / i} (Stringer et al., Nature 2019), as much as its
     *     neighbours on a logarithmic axis, or all count alike
     */
    public static PowerLaw powerLaw(double[] eigenvalues, int first, int last, boolean weighted) {
        if (first < 1 || last > eigenvalues.length) {
            throw CulvertException.data("alpha-ReQ fits eigenvalues %d..%d, but there are %d", first, last,
                    eigenvalues.length);
        }
        double floor = 1e-15 * eigenvalues.length * eigenvalues[0];
        int count = 0;
        double weights = 0;
        double meanX = 0;
        double meanY = 0;
        while (first + count <= last && eigenvalues[first + count - 1] > floor) {
            int i = first + count;
            double weight = weighted ? 1.0 / i : 1;
            meanX += weight * Math.log(i);
            meanY += weight * Math.log(eigenvalues[i - 1]);
            weights += weight;
            count++;
        }
        if (count < 2) {
            throw CulvertException.data("alpha-ReQ needs 2 eigenvalues above 0 among %d..%d, got %d", first, last,
                    count);
        }
        meanX /= weights;
        meanY /= weights;
        double xy = 0;
        double xx = 0;
        double yy = 0;
        for (int i = first; i < first + count; i++) {
            double weight = weighted ? 1.0 / i : 1;
            double x = Math.log(i) - meanX;
            double y = Math.log(eigenvalues[i - 1]) - meanY;
            xy += weight * x * y;
            xx += weight * x * x;
            yy += weight * y * y;
        }
        return new PowerLaw(-xy / xx, first, first + count - 1, yy == 0 ? 1 : xy * xy / (xx * yy));
    }

    private static double positiveSum(String metric, double[] spectrum) {
        double total = 0;
        for (double s : spectrum) {
            total += s;
        }
        if (!(total > 0)) {
            throw CulvertException.data("%s is undefined: all %d values of the spectrum are 0", metric,
                    spectrum.length);
        }
        return total;
    }
}
