package io.culvert.study;

import io.culvert.CulvertException;
import java.util.List;
import java.util.stream.Collectors;

/** The queries behind a study's tables. */
public final class Tables {
    private Tables() {}

    /**
     * What a table shows.
     *
     * @param metric by its name in {@code results}
     * @param reader what read the features
     * @param sampling how training sets were drawn
     * @param testShare share of defects in the test set
     */
    public record Cut(String metric, String reader, String sampling, double testShare) {}

    /** One line a row of the study, one column a training share: the mean over seeds, and their standard deviation. */
    public static String byTrainShare(Cut cut, List<Double> trainShares) {
        String columns = trainShares.stream()
                .map(share -> "max(shown) FILTER (train_share = %s) AS \"%s %% defects\"".formatted(share, PlannedRun.percent(share)))
                .collect(Collectors.joining(",\n       "));
        return """
                WITH seeds AS (
                  SELECT "row", train_share, min(rowid) AS place, avg(value) AS mean, stddev_samp(value) AS deviation
                  FROM results
                  WHERE metric = %s AND reader = %s AND sampling = %s AND test_share = %s
                  GROUP BY "row", train_share),
                texts AS (
                  SELECT "row", train_share, place,
                         printf('%%.3f', mean) || coalesce(printf(' +- %%.3f', deviation), '') AS shown
                  FROM seeds)
                SELECT "row" AS network,
                       %s
                FROM texts GROUP BY "row" ORDER BY min(place)"""
                .formatted(quoted(cut.metric()), quoted(cut.reader()), quoted(cut.sampling()), cut.testShare(), columns);
    }

    /**
     * Makes sure that a table would not be empty because of a misspelt name.
     *
     * @throws CulvertException (usage) naming what there is
     */
    public static void check(Store store, Cut cut) {
        requireKnown(store, "metric", cut.metric());
        requireKnown(store, "reader", cut.reader());
        requireKnown(store, "sampling", cut.sampling());
        List<List<Object>> shares = store.query("SELECT DISTINCT test_share FROM results ORDER BY 1").rows();
        if (shares.stream().noneMatch(row -> row.getFirst().equals(cut.testShare()))) {
            throw CulvertException.usage(
                    "no test set has a share of %s; there are: %s", cut.testShare(), joined(shares));
        }
    }

    private static void requireKnown(Store store, String column, String wanted) {
        List<List<Object>> known = store.query("SELECT DISTINCT " + column + " FROM results ORDER BY 1").rows();
        if (known.stream().noneMatch(row -> row.getFirst().equals(wanted))) {
            throw CulvertException.usage("no %s '%s'; there are: %s", column, wanted, joined(known));
        }
    }

    private static String joined(List<List<Object>> rows) {
        return rows.stream().map(row -> String.valueOf(row.getFirst())).collect(Collectors.joining(", "));
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
