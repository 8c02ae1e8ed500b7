package io.culvert.train;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Says in plain words whether a run collapses, from the numbers of its log lines alone. A symptom counts when it shows in
 * {@link #PATIENCE} measurements in a row after the grace of a run's beginning; the thresholds are in {@code docs/diagnosis.md}.
 * It never stops a run.
 */
public final class Verdict {
    /** Spread of the unit embeddings, as {@link io.culvert.metric.Spread} gives it, below which they have collapsed. */
    public static final double LEAST_SPREAD = 0.1;

    /** Share of min(N, d) below which a RankMe says that dimensions have collapsed. */
    public static final double LEAST_RANK = 0.05;

    /** How near a loss may come to its trivial value, as a share of it; for a trivial 0, as a share of {@link #ZERO_SCALE}. */
    public static final double NEAR_TRIVIAL = 0.005;

    /** BYOL's loss is from 0 to 4. */
    private static final double ZERO_SCALE = 4;

    /** Measurements in a row. */
    public static final int PATIENCE = 4;

    /** What a method's loss is for a network that gives the same for every image; NaN where nobody knows. */
    private final double trivialLoss;

    private final long grace;
    private final Map<Symptom, Streak> streaks = new EnumMap<>(Symptom.class);
    private final List<String> past = new ArrayList<>();
    private Point last;
    private int judged;

    private enum Symptom {
        SPREAD("lower optim.lr, lengthen schedule.warmup_epochs, or check the method's temperature, momentum and augmentation"),
        EMBEDDINGS("raise batch_size, strengthen the augmentation, or lower optim.weight_decay"),
        FEATURES("raise batch_size, strengthen the augmentation, or lower optim.weight_decay"),
        LOSS("check that the views differ, then try another optim.lr and a longer schedule.warmup_epochs");

        final String remedy;

        Symptom(String remedy) {
            this.remedy = remedy;
        }
    }

    /** How long a symptom has been there. */
    private static final class Streak {
        long since;
        int count;
        String what = "";
    }

    /**
     * The numbers of a log line; NaN for what was not measured.
     *
     * @param spread of the unit embeddings
     * @param embeddings RankMe of the embeddings
     * @param features RankMe of the features
     */
    public record Point(long step, double loss, double spread, Rank embeddings, Rank features) {}

    /**
     * A RankMe and what it could be at most.
     *
     * @param value NaN where it was not measured
     * @param limit min(N, d)
     */
    public record Rank(double value, int limit) {
        /** Not measured. */
        public static final Rank NONE = new Rank(Double.NaN, 0);

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.1f of %d", value, limit);
        }
    }

    /**
     * Something to tell.
     *
     * @param state collapse or recovered; at the end healthy, collapsed or undecided
     * @param what in words
     * @param since the first step that showed it
     * @param remedy what to try; empty where nothing need be done
     */
    public record Finding(String state, String what, long since, String remedy) {
        /** One line. */
        public String line() {
            return state + ": " + what + (remedy.isEmpty() ? "" : "; try: " + remedy);
        }
    }

    /**
     * @param trivialLoss what the loss is for a network that gives the same for every image; NaN: not known
     * @param grace steps at the beginning in which no symptom counts; only a loss at a trivial 0 counts there alone
     */
    public Verdict(double trivialLoss, long grace) {
        this.trivialLoss = trivialLoss;
        this.grace = grace;
        for (Symptom symptom : Symptom.values()) {
            streaks.put(symptom, new Streak());
        }
    }

    /** Takes the next log line; says what is new, if anything is. */
    public List<Finding> add(Point point) {
        last = point;
        boolean warm = point.step > grace;
        judged += warm ? 1 : 0;
        List<Finding> findings = new ArrayList<>();
        // A loss whose trivial value is its least may come near it in the end; at the beginning it must not.
        boolean lossCounts = trivialLoss == 0 ? !warm || streaks.get(Symptom.LOSS).count > 0 : warm;
        observe(Symptom.LOSS, point, lossCounts ? isTrivial(point.loss) : null, trivialText(point)).ifPresent(findings::add);
        if (!warm) {
            return findings;
        }
        observe(Symptom.SPREAD, point, Double.isNaN(point.spread) ? null : point.spread < LEAST_SPREAD,
                String.format(Locale.ROOT, "the embeddings point one way: std*sqrt(d) is %.3f, healthy is near 1", point.spread))
                .ifPresent(findings::add);
        observe(Symptom.EMBEDDINGS, point, isLow(point.embeddings), "dimensions of the embeddings collapsed: RankMe is "
                + point.embeddings).ifPresent(findings::add);
        observe(Symptom.FEATURES, point, isLow(point.features), "dimensions of the features collapsed: RankMe is "
                + point.features).ifPresent(findings::add);
        return findings;
    }

    private Boolean isTrivial(double loss) {
        double scale = trivialLoss == 0 ? ZERO_SCALE : Math.abs(trivialLoss);
        return Double.isNaN(trivialLoss) ? null : Math.abs(loss - trivialLoss) <= NEAR_TRIVIAL * scale;
    }

    private String trivialText(Point point) {
        return String.format(Locale.ROOT,
                "the loss is %.4f, and %.4f is what a network gives that answers the same to every image", point.loss,
                trivialLoss);
    }

    private static Boolean isLow(Rank rank) {
        return Double.isNaN(rank.value) ? null : rank.value < LEAST_RANK * rank.limit;
    }

    /** @param shows null: not measured, which ends nothing */
    private Optional<Finding> observe(Symptom symptom, Point point, Boolean shows, String what) {
        Streak streak = streaks.get(symptom);
        if (shows == null) {
            return Optional.empty();
        }
        if (shows) {
            streak.since = streak.count == 0 ? point.step : streak.since;
            streak.count++;
            streak.what = what;
            return streak.count == PATIENCE
                    ? Optional.of(new Finding("collapse", what + ", since step " + streak.since, streak.since, symptom.remedy))
                    : Optional.empty();
        }
        boolean told = streak.count >= PATIENCE;
        streak.count = 0;
        if (!told) {
            return Optional.empty();
        }
        past.add("steps %d to %d: %s".formatted(streak.since, point.step, streak.what));
        return Optional.of(new Finding(
                "recovered", "no longer so, at step " + point.step + ": " + streak.what, streak.since, ""));
    }

    /** The verdict on the whole run. */
    public Finding close() {
        String before = past.isEmpty() ? "" : " (" + String.join("; ", past) + ")";
        for (Map.Entry<Symptom, Streak> entry : streaks.entrySet()) {
            Streak streak = entry.getValue();
            if (streak.count >= PATIENCE) {
                return new Finding("collapsed", streak.what + ", since step " + streak.since + before, streak.since,
                        entry.getKey().remedy);
            }
        }
        if (judged < PATIENCE) {
            return new Finding("undecided", "only %d log lines after step %d, and a verdict takes %d; lower log.every_steps"
                    .formatted(judged, grace, PATIENCE) + before, grace, "");
        }
        String spread = Double.isNaN(last.spread) ? "" : String.format(Locale.ROOT, ", std*sqrt(d) %.2f", last.spread);
        String rank = Double.isNaN(last.embeddings.value) ? "" : ", RankMe of the embeddings " + last.embeddings;
        return new Finding("healthy", "no sign of collapse" + spread + rank + before, last.step, "");
    }
}
