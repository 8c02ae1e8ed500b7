package io.culvert.metric;

import io.culvert.CulvertException;

/**
 * What label-free scores are computed from: embeddings of images as they are, and of augmented views of the first of
 * them. Not for use by several threads: what several scores need is computed once and kept.
 *
 * <p>Memory and time are quadratic in the number of images; a thousand are enough for every score here.
 */
public final class Embeddings {
    private final double[] clean;
    private final int n;
    private final int d;
    private final double[] views;
    private final int viewed;
    private final int q;
    private double[] eigenvalues;
    private Spectrum.Leverage leverage;
    private double[] cleanDistances;
    private double[] unitDistances;
    private final double[][] viewDistances;

    /**
     * Embeddings with views.
     *
     * @param clean {@code [n, d]} row by row: images resized, without augmentation
     * @param views {@code [viewed, q, d]}: q independent augmentations of each of the first {@code viewed} images
     * @throws CulvertException of kind DATA for sizes that do not fit or a value that is not finite
     */
    public Embeddings(double[] clean, int n, int d, double[] views, int viewed, int q) {
        Spectrum.check(clean, n, d);
        if (viewed > 0) {
            Spectrum.check(views, viewed * q, d);
        }
        if (viewed > n || viewed < 0 || q < 0) {
            throw CulvertException.data("%d images with %d views each, of %d images, do not fit", viewed, q, n);
        }
        this.clean = clean.clone();
        this.n = n;
        this.d = d;
        this.views = views.clone();
        this.viewed = viewed;
        this.q = q;
        viewDistances = new double[q][];
    }

    /** Embeddings without views: scores that need them are undefined. */
    public static Embeddings of(double[] clean, int n, int d) {
        return new Embeddings(clean, n, d, new double[0], 0, 0);
    }

    /** The number of images. */
    public int images() {
        return n;
    }

    /** The number of features. */
    public int width() {
        return d;
    }

    /** The number of images that have views. */
    public int viewed() {
        return viewed;
    }

    /** Views an image. */
    public int views() {
        return q;
    }

    double[] clean() {
        return clean;
    }

    double[] allViews() {
        return views;
    }

    double[] singularValues() {
        return leverage().singularValues();
    }

    Spectrum.Leverage leverage() {
        if (leverage == null) {
            leverage = Spectrum.leverage(clean, n, d);
        }
        return leverage;
    }

    double[] eigenvalues() {
        if (eigenvalues == null) {
            eigenvalues = Spectrum.covarianceEigenvalues(clean, n, d);
        }
        return eigenvalues;
    }

    /** Squared distances of the images' embeddings as they are, {@code [n, n]}. */
    double[] distances() {
        if (cleanDistances == null) {
            cleanDistances = Rows.squaredDistances(clean, n, d);
        }
        return cleanDistances;
    }

    /** As {@link #distances}, of embeddings divided by their lengths. */
    double[] unitDistances() {
        if (unitDistances == null) {
            unitDistances = Rows.squaredDistances(Rows.unit(clean, n, d), n, d);
        }
        return unitDistances;
    }

    /** As {@link #unitDistances}, of one view of the images that have some, {@code [viewed, viewed]}. */
    double[] unitDistances(int view) {
        requireViews(2);
        if (viewDistances[view] == null) {
            double[] rows = new double[viewed * d];
            for (int i = 0; i < viewed; i++) {
                System.arraycopy(views, (i * q + view) * d, rows, i * d, d);
            }
            viewDistances[view] = Rows.squaredDistances(Rows.unit(rows, viewed, d), viewed, d);
        }
        return viewDistances[view];
    }

    void requireViews(int least) {
        if (q < least || viewed == 0) {
            throw CulvertException.data("needs images with at least %d views, got %d images with %d", least, viewed, q);
        }
    }
}
