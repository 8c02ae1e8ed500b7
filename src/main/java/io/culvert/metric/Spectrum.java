package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The spectrum of an embedding matrix {@code [n, d]}, and the label-free scores that are read off it. All singular
 * values are those of the matrix as given, not centred; {@link #covarianceEigenvalues} centres the columns.
 */
public final class Spectrum {
    private Spectrum() {}

    /**
     * Singular values, highest first, {@code min(n, d)} of them.
     *
     * @param values {@code [n, d]} row by row
     * @throws CulvertException of kind DATA for a value that is not finite or a shape that does not fit
     */
    public static double[] singularValues(double[] values, int n, int d) {
        if (n < 1 || d < 1 || (long) n * d != values.length) {
            throw CulvertException.data("%d values do not make a matrix of %d x %d", values.length, n, d);
        }
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw CulvertException.data("feature %d of row %d is %s: the network has diverged", i % d, i / d,
                        values[i]);
            }
        }
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(n, d, false, false, true);
        if (!svd.decompose(new DMatrixRMaj(n, d, true, values.clone()))) {
            throw CulvertException.data("the singular values of a %d x %d matrix did not converge", n, d);
        }
        double[] ascending = Arrays.copyOf(svd.getSingularValues(), Math.min(n, d));
        Arrays.sort(ascending);
        double[] singular = new double[ascending.length];
        for (int i = 0; i < singular.length; i++) {
            singular[i] = ascending[singular.length - 1 - i];
        }
        return singular;
    }

    /** Eigenvalues of the covariance (divisor n - 1) of the columns, highest first, {@code min(n, d)} of them. */
    public static double[] covarianceEigenvalues(double[] values, int n, int d) {
        if (n < 2) {
            throw CulvertException.data("a covariance needs at least 2 rows, got %d", n);
        }
        double[] centred = values.clone();
        for (int j = 0; j < d; j++) {
            double mean = 0;
            for (int i = 0; i < n; i++) {
                mean += centred[i * d + j] / n;
            }
            for (int i = 0; i < n; i++) {
                centred[i * d + j] -= mean;
            }
        }
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
     * Alpha-ReQ (Agrawal et al., NeurIPS 2022): minus the slope of {@code ln l_i} on {@code ln i} by ordinary least
     * squares over the eigenvalues {@code first..last}, counted from 1, both included. Eigenvalues that are zero but
     * for rounding (below {@code 1e-15 * count * l_1}) are left out.
     *
     * @param eigenvalues of the covariance, highest first
     */
    public static double alphaReq(double[] eigenvalues, int first, int last) {
        if (first < 1 || last > eigenvalues.length) {
            throw CulvertException.data("alpha-ReQ fits eigenvalues %d..%d, but there are %d", first, last,
                    eigenvalues.length);
        }
        double floor = 1e-15 * eigenvalues.length * eigenvalues[0];
        int count = 0;
        double meanX = 0;
        double meanY = 0;
        while (first + count <= last && eigenvalues[first + count - 1] > floor) {
            meanX += Math.log(first + count);
            meanY += Math.log(eigenvalues[first + count - 1]);
            count++;
        }
        if (count < 2) {
            throw CulvertException.data("alpha-ReQ needs 2 eigenvalues above 0 among %d..%d, got %d", first, last,
                    count);
        }
        meanX /= count;
        meanY /= count;
        double xy = 0;
        double xx = 0;
        for (int i = first; i < first + count; i++) {
            double x = Math.log(i) - meanX;
            xy += x * (Math.log(eigenvalues[i - 1]) - meanY);
            xx += x * x;
        }
        return -xy / xx;
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
