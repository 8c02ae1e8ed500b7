package io.culvert.train;

import io.culvert.device.RunArena;
import io.culvert.method.Method;
import io.culvert.metric.Spectrum;
import io.culvert.metric.Spread;
import io.culvert.optim.SlabNorms;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.Map;

/**
 * What a log line says of a step beside its loss: how large the step was, and whether features and embeddings still tell
 * images apart. Reads the device only in {@link #after}.
 */
final class Diagnostics {
    /** As the study adds it to each share of the spectrum. */
    static final double RANK_EPS = 1e-6;

    /** Rows that spread and RankMe look at, as many as the study's batch has: a decomposition costs rows^2 dims. */
    static final int ROWS = 256;

    static final String SPREAD = "embedding_std";
    static final String RANK_FEATURES = "rankme_features";
    static final String RANK_EMBEDDINGS = "rankme_embeddings";
    static final String GRADIENT = "gradient_norm";
    static final String UPDATE = "update_ratio";

    private final SlabNorms norms;
    private final int views;

    /** @param norms whether to measure how large steps are, which takes memory for one more copy of the weights */
    Diagnostics(RunArena arena, ParameterStore store, Method method, boolean norms) {
        this.norms = norms ? new SlabNorms(arena, store) : null;
        views = method.views();
    }

    /** Called before a step that is logged. */
    void before() {
        if (norms != null) {
            norms.before();
        }
    }

    /**
     * Adds the numbers of the step that was done.
     *
     * @param rank whether RankMe is due, which costs far more than the rest
     */
    void after(Method.Recorded recorded, Map<String, Number> line, boolean rank) {
        Rows embeddings = Rows.of(recorded.embeddings(), views);
        if (embeddings.d > 1 && embeddings.n > 1) {
            line.put(SPREAD, embeddings.isFinite() ? Spread.ofUnitRows(embeddings.values, embeddings.n, embeddings.d) : Double.NaN);
        }
        if (norms != null) {
            norms.after();
            line.put(GRADIENT, norms.gradientNorm());
            line.put(UPDATE, norms.updateRatio());
        }
        if (rank) {
            line.put(RANK_FEATURES, Rows.of(recorded.features(), views).rankMe());
            line.put(RANK_EMBEDDINGS, embeddings.rankMe());
        }
        recorded.scalars().forEach((name, scalar) -> line.put(name, scalar.item()));
    }

    /** The most that RankMe of a tensor's rows can be. */
    int rankLimit(Tensor tensor) {
        return Math.min(Rows.count(tensor, views), tensor.shape().at(-1));
    }

    /** Rows of the first view, at most {@link #ROWS} of them, evenly chosen. */
    private record Rows(double[] values, int n, int d) {
        static int count(Tensor tensor, int views) {
            return Math.min(ROWS, ofFirstView(tensor, views));
        }

        private static int ofFirstView(Tensor tensor, int views) {
            int rows = tensor.shape().rows();
            return rows % views == 0 ? rows / views : rows;
        }

        static Rows of(Tensor tensor, int views) {
            int all = ofFirstView(tensor, views);
            int n = count(tensor, views);
            int d = tensor.shape().at(-1);
            float[] from = tensor.toFloats(0, Math.multiplyExact(all, d));
            double[] values = new double[n * d];
            for (int i = 0; i < n; i++) {
                int row = (int) ((long) i * all / n);
                for (int j = 0; j < d; j++) {
                    values[i * d + j] = from[row * d + j];
                }
            }
            return new Rows(values, n, d);
        }

        boolean isFinite() {
            for (double value : values) {
                if (!Double.isFinite(value)) {
                    return false;
                }
            }
            return true;
        }

        /** 0 where every row is zero, NaN where a value is not finite. */
        double rankMe() {
            if (!isFinite()) {
                return Double.NaN;
            }
            double[] singular = Spectrum.singularValues(values, n, d);
            return singular[0] == 0 ? 0 : Spectrum.rankMe(singular, RANK_EPS);
        }
    }
}
