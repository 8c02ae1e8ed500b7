package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * Scores of embeddings that need no labels, with the settings used everywhere in Culvert. Which way is better is what
 * their authors claim, ours included; whether it holds for finding rare anomalies is a question to experiments.
 */
public enum LabelFree {
    /** {@link Spectrum#rankMe}, eps 1e-7. */
    RANKME("rankme", Direction.HIGHER, e -> Spectrum.rankMe(e.singularValues(), 1e-7)),
    /** {@link Spectrum#stableRank}. */
    STABLE_RANK("stable_rank", Direction.HIGHER, e -> Spectrum.stableRank(e.singularValues())),
    /** {@link Spectrum#pseudoCondition}. */
    PSEUDO_CONDITION("pseudo_condition", Direction.HIGHER, e -> Spectrum.pseudoCondition(e.singularValues())),
    /** {@link Spectrum#coherence}. */
    COHERENCE("coherence", Direction.LOWER, e -> e.leverage().coherence(), e -> "rank " + e.leverage().rank()),
    /** {@link Spectrum#neSum}. */
    NESUM("nesum", Direction.HIGHER, e -> Spectrum.neSum(e.eigenvalues())),
    /** {@link Spectrum#participationRatio}. */
    PARTICIPATION_RATIO("participation_ratio", Direction.HIGHER, e -> Spectrum.participationRatio(e.eigenvalues())),
    /** {@link Spectrum#powerLaw}, ordinary least squares over eigenvalues 11 to 100. */
    ALPHA_REQ("alpha_req", Direction.NEAR_ONE, e -> powerLaw(e, false).alpha(), e -> powerLaw(e, false).window()),
    /** {@link Spectrum#powerLaw}, weighted by 1 / i, over eigenvalues 11 to 100. */
    ALPHA_REQ_WEIGHTED(
            "alpha_req_weighted", Direction.NEAR_ONE, e -> powerLaw(e, true).alpha(), e -> powerLaw(e, true).window()),
    /** {@link Lidar#of}, delta 1e-4, eps 1e-8. */
    LIDAR(
            "lidar", Direction.HIGHER, e -> Lidar.of(e, 1e-4, 1e-8),
            e -> e.viewed() + " images, " + e.views() + " views"),
    /** {@link Sphere#selfCluster}. */
    SELF_CLUSTER("self_cluster", Direction.LOWER, Sphere::selfCluster),
    /** {@link Sphere#uniformity}, t = 2. */
    UNIFORMITY("uniformity", Direction.LOWER, e -> Sphere.uniformity(e, 2)),
    /** {@link Sphere#alignment}. */
    ALIGNMENT("alignment", Direction.LOWER, Sphere::alignment),
    /** {@link Clid#learnability}, {@link Clid#clusters} of them. */
    CLID_LEARNABILITY(
            "clid_learnability", Direction.HIGHER, e -> Clid.learnability(e, Clid.clusters(e.images()), 0),
            e -> Clid.clusters(e.images()) + " clusters"),
    /** {@link Clid#dimension}. */
    CLID_DIMENSION("clid_dimension", Direction.HIGHER, Clid::dimension),
    /** {@link Tail#agreement}. */
    TAIL_AGREEMENT("tail_agreement", Direction.HIGHER, e -> Tail.agreement(e, LabelFree.TAIL)),
    /** {@link Tail#correlation}. */
    OUTLYINGNESS_AGREEMENT("outlyingness_agreement", Direction.HIGHER, e -> Tail.correlation(e, LabelFree.TAIL)),
    /** {@link Tail#stability}, 10 neighbours. */
    OUTLIER_STABILITY("outlier_stability", Direction.HIGHER, e -> Tail.stability(e, LabelFree.TAIL, LabelFree.NEIGHBOURS)),
    /** {@link Tail#clumping}, 10 neighbours. */
    TAIL_CLUMPING("tail_clumping", Direction.HIGHER, e -> Tail.clumping(e, LabelFree.TAIL, LabelFree.NEIGHBOURS)),
    /** {@link Tail#gap}, 90 % of the variance. */
    TAIL_GAP("tail_gap", Direction.HIGHER, e -> Tail.gap(e, LabelFree.TAIL, 0.9));

    /** Share of the images that is the tail. */
    private static final double TAIL = 0.05;
    private static final int NEIGHBOURS = 10;
    private static final int FIRST = 11;
    private static final int LAST = 100;
    /** Eigenvalues from {@link #FIRST} on below which the window is all there are. */
    private static final int LEAST = 10;

    /** Which values speak for an encoder. */
    public enum Direction {
        HIGHER("higher"),
        LOWER("lower"),
        NEAR_ONE("near 1");

        private final String words;

        Direction(String words) {
            this.words = words;
        }

        /** For tables. */
        public String words() {
            return words;
        }

        /** The value turned so that a higher one is better; near one: minus the distance from it. */
        public double merit(double value) {
            return switch (this) {
                case HIGHER -> value;
                case LOWER -> -value;
                case NEAR_ONE -> -Math.abs(value - 1);
            };
        }
    }

    /**
     * A score of some embeddings.
     *
     * @param value NaN where it is undefined
     * @param detail what it was computed with, such as alpha-ReQ's window and R2, or why it is undefined; may be empty
     */
    public record Reading(LabelFree score, double value, String detail) {
        public boolean defined() {
            return !Double.isNaN(value);
        }
    }

    private final String key;
    private final Direction direction;
    private final ToDoubleFunction<Embeddings> value;
    private final Function<Embeddings, String> detail;

    LabelFree(String key, Direction direction, ToDoubleFunction<Embeddings> value) {
        this(key, direction, value, e -> "");
    }

    LabelFree(String key, Direction direction, ToDoubleFunction<Embeddings> value, Function<Embeddings, String> detail) {
        this.key = key;
        this.direction = direction;
        this.value = value;
        this.detail = detail;
    }

    /** Its name in files and tables. */
    public String key() {
        return key;
    }

    public Direction direction() {
        return direction;
    }

    /**
     * The score.
     *
     * @throws CulvertException of kind DATA where it is undefined, as for collapsed embeddings or without views
     */
    public double of(Embeddings embeddings) {
        return value.applyAsDouble(embeddings);
    }

    /** The score with what it was computed with, or why it is undefined. */
    public Reading read(Embeddings embeddings) {
        try {
            double result = of(embeddings);
            return new Reading(this, result, detail.apply(embeddings));
        } catch (CulvertException e) {
            return new Reading(this, Double.NaN, e.getMessage());
        }
    }

    /** All scores, in the order of the constants. */
    public static List<Reading> all(Embeddings embeddings) {
        return Arrays.stream(values()).map(score -> score.read(embeddings)).toList();
    }

    private static Spectrum.PowerLaw powerLaw(Embeddings embeddings, boolean weighted) {
        double[] eigenvalues = embeddings.eigenvalues();
        int last = Math.min(LAST, eigenvalues.length);
        int first = last - FIRST + 1 < LEAST ? 1 : FIRST;
        return Spectrum.powerLaw(eigenvalues, first, last, weighted);
    }
}
