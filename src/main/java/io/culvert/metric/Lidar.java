package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.CholeskyDecomposition_F64;

/**
 * LiDAR (Thilak et al., ICLR 2024): the effective rank of what linear discriminant analysis finds when every image is a
 * class and its views are the class's members. Higher is better.
 */
public final class Lidar {
    private Lidar() {}

    /**
     * {@code exp(-sum p ln p)} with {@code p = l / sum l + eps} over the d eigenvalues l of
     * {@code S_w^-1/2 S_b S_w^-1/2}, where {@code S_b} is the covariance of the images' means (divisor n - 1) and
     * {@code S_w} the covariance of views about their image's mean, pooled (divisor n (q - 1)), plus {@code delta I}.
     *
     * @param delta 1e-4 in the paper
     * @param eps 1e-8 in the paper
     * @throws CulvertException of kind DATA for fewer than two images or views, or when all images have one mean
     */
    public static double of(Embeddings embeddings, double delta, double eps) {
        embeddings.requireViews(2);
        int n = embeddings.viewed();
        int q = embeddings.views();
        int d = embeddings.width();
        if (n < 2) {
            throw CulvertException.data("LiDAR needs at least 2 images with views, got %d", n);
        }
        double[] views = embeddings.allViews();
        double[] means = new double[n * d];
        DMatrixRMaj within = new DMatrixRMaj(d, d);
        for (int i = 0; i < n; i++) {
            int[] rows = IntStream.range(i * q, (i + 1) * q).toArray();
            double[] mean = Rows.mean(views, d, rows);
            System.arraycopy(mean, 0, means, i * d, d);
            addProducts(within.data, Rows.centred(views, d, rows, mean), q, d);
        }
        for (int a = 0; a < d; a++) {
            for (int b = 0; b < d; b++) {
                within.data[a * d + b] /= n * (q - 1.0);
            }
            within.data[a * d + a] += delta;
        }
        int[] all = IntStream.range(0, n).toArray();
        double[] between = Rows.centred(means, d, all, Rows.mean(means, d, all));
        double[] whitened = solve(cholesky(within, d), transposed(between, n, d), d, n);
        double[] eigenvalues = new double[d];
        double[] singular = Spectrum.singularValues(whitened, d, n);
        for (int i = 0; i < singular.length; i++) {
            eigenvalues[i] = singular[i] * singular[i] / (n - 1);
        }
        if (Arrays.stream(eigenvalues).sum() == 0) {
            throw CulvertException.data("LiDAR is undefined: the means of all %d images are equal", n);
        }
        return Spectrum.rankMe(eigenvalues, eps);
    }

    /** {@code to += rows^T rows}. */
    private static void addProducts(double[] to, double[] rows, int count, int d) {
        for (int a = 0; a < d; a++) {
            for (int i = 0; i < count; i++) {
                double factor = rows[i * d + a];
                for (int b = 0; b < d; b++) {
                    to[a * d + b] += factor * rows[i * d + b];
                }
            }
        }
    }

    private static double[] transposed(double[] values, int n, int d) {
        double[] columns = new double[n * d];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < d; j++) {
                columns[j * n + i] = values[i * d + j];
            }
        }
        return columns;
    }

    private static DMatrixRMaj cholesky(DMatrixRMaj matrix, int d) {
        CholeskyDecomposition_F64<DMatrixRMaj> cholesky = DecompositionFactory_DDRM.chol(d, true);
        if (!cholesky.decompose(matrix)) {
            throw CulvertException.data(
                    "LiDAR: the covariance within images is not positive definite: take a larger delta");
        }
        return cholesky.getT(null);
    }

    /** {@code L^-1 B} in the place of {@code B [d, n]}: its singular values are those of {@code S_w^-1/2 B}. */
    private static double[] solve(DMatrixRMaj lower, double[] b, int d, int n) {
        for (int i = 0; i < d; i++) {
            for (int k = 0; k < i; k++) {
                double factor = lower.get(i, k);
                for (int j = 0; j < n; j++) {
                    b[i * n + j] -= factor * b[k * n + j];
                }
            }
            for (int j = 0; j < n; j++) {
                b[i * n + j] /= lower.get(i, i);
            }
        }
        return b;
    }
}
