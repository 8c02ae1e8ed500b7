package io.culvert.metric;

import java.util.function.ToDoubleFunction;

/**
 * What a detector is judged by, on scores and labels. Those from {@link #F1} on take probabilities of a defect, the
 * ones before any score.
 */
public enum Judged {
    AUROC("auroc", true, Ranking::auroc),
    AVERAGE_PRECISION("average_precision", true, Ranking::averagePrecision),
    /** At the best threshold for these very labels: a bound, not what can be had. */
    BEST_F1("best_f1", true, r -> r.bestF1().f1()),
    /** {@link Ranking#recallAtFalseAlarms} of 5 %. */
    RECALL_AT_5_FALSE_ALARMS("recall_at_5_false_alarms", true, r -> r.recallAtFalseAlarms(0.05)),
    /** {@link Ranking#falseAlarmsAtRecall} of 95 %. */
    FALSE_ALARMS_AT_95_RECALL("false_alarms_at_95_recall", false, r -> r.falseAlarmsAtRecall(0.95)),
    /** At 0.5, as those that follow. */
    F1("f1", true, r -> r.at(0.5).f1()),
    PRECISION("precision", true, r -> r.at(0.5).precision()),
    RECALL("recall", true, r -> r.at(0.5).recall()),
    FALSE_ALARM_RATE("false_alarm_rate", false, r -> r.at(0.5).falseAlarmRate()),
    BALANCED_ACCURACY("balanced_accuracy", true, r -> r.at(0.5).balancedAccuracy()),
    /** {@link Calibration#error} in 15 bins. */
    CALIBRATION_ERROR("calibration_error", false, r -> Calibration.error(r, 15)),
    BRIER("brier", false, Calibration::brier),
    LOG_LOSS("log_loss", false, Calibration::logLoss);

    private final String key;
    private final boolean higherIsBetter;
    private final ToDoubleFunction<Ranking> metric;

    Judged(String key, boolean higherIsBetter, ToDoubleFunction<Ranking> metric) {
        this.key = key;
        this.higherIsBetter = higherIsBetter;
        this.metric = metric;
    }

    /** Its name in files and tables. */
    public String key() {
        return key;
    }

    public boolean higherIsBetter() {
        return higherIsBetter;
    }

    /** The value; the errors are those of the metric. */
    public double of(Ranking ranking) {
        return metric.applyAsDouble(ranking);
    }

    /** Its bootstrap interval, see {@link Bootstrap#interval}. */
    public Bootstrap.Interval interval(double[] scores, int[] labels, double level, int draws, long seed) {
        return Bootstrap.interval(scores, labels, metric, level, draws, seed);
    }
}
