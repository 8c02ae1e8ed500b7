package io.culvert.study.report;

/**
 * One number of each run.
 *
 * @param metric by its name in the store
 * @param reader what read the features
 * @param testShare share of defects in the test set
 */
public record Cut(String metric, String reader, double testShare) {
    Cut metric(String other) {
        return new Cut(other, reader, testShare);
    }

    Cut testShare(double other) {
        return new Cut(metric, reader, other);
    }
}
