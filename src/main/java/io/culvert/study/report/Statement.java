package io.culvert.study.report;

import java.util.List;

/**
 * An ordering that the study of arXiv 2410.04289 states, beside what these runs show.
 *
 * @param name short, for files
 * @param published the statement in our words
 * @param rule how the verdict follows from the numbers
 * @param findings the numbers
 * @param verdict of the first finding
 * @param remark what a reader should keep in mind; may be empty
 */
public record Statement(
        String name, String published, String rule, List<Finding> findings, Verdict verdict, String remark) {
    /**
     * A number that bears on it.
     *
     * @param difference or correlation
     * @param low lower bound of its 95 % interval, NaN where there is none
     * @param p two-sided, NaN where the verdict rests on the interval
     * @param n pairs of runs, or runs
     */
    public record Finding(String what, double difference, double low, double high, double p, int n, double leastP) {
        static Finding of(Contrast contrast) {
            Estimate difference = contrast.difference();
            return new Finding(
                    contrast.what(), difference.mean(), difference.low(), difference.high(), contrast.p(), contrast.pairs(),
                    contrast.leastP());
        }
    }
}
