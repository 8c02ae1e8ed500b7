package io.culvert.study.report;

/** The commands that give the numbers of the report's figures and tables. */
final class Queries {
    private final String config;
    private final Cut cut;

    /** @param config the arguments that name the study */
    Queries(String config, Cut cut) {
        this.config = config;
        this.cut = cut;
    }

    private String table(String arguments) {
        return "culvert study table --config " + config + " " + arguments;
    }

    private String sql(String query) {
        String flat = query.strip().replaceAll("\\s*\\n\\s*", " ");
        return table("--sql \"" + flat.replaceAll("([\"\\\\$`])", "\\\\$1") + "\"");
    }

    private String where(Cut of) {
        return "metric = '%s' AND reader = '%s' AND test_share = %s".formatted(of.metric(), of.reader(), of.testShare());
    }

    String runs() {
        return sql("SELECT * FROM runs");
    }

    String byTrainShare(String sampling) {
        return table("--metric %s --test-share %s --sampling %s".formatted(cut.metric(), cut.testShare(), sampling));
    }

    String gains(String sampling) {
        return sql(
                """
                SELECT a."row", train_share, count(*) AS seeds, avg(a.value - b.value) AS gain, stddev_samp(a.value - b.value) AS deviation
                FROM results a JOIN results b USING (backbone, sampling, train_share, seed, reader, test_share, metric)
                WHERE b.method = 'untrained' AND sampling = '%s' AND %s GROUP BY ALL ORDER BY ALL"""
                        .formatted(sampling, where(cut)));
    }

    String curve(Cut of, String sampling) {
        return sql(
                """
                SELECT "row", train_share, avg(value) AS mean, stddev_samp(value) AS deviation, count(*) AS seeds FROM results
                WHERE sampling = '%s' AND %s GROUP BY ALL ORDER BY ALL"""
                        .formatted(sampling, where(of)));
    }

    String byTestShare(String sampling, double trainShare) {
        return sql(
                """
                SELECT "row", test_share, avg(f1) AS f1, avg(recall) AS recall, avg(false_alarm_rate) AS false_alarm_rate FROM cells
                WHERE sampling = '%s' AND train_share = %s AND reader = '%s' GROUP BY ALL ORDER BY ALL"""
                        .formatted(sampling, trainShare, cut.reader()));
    }

    /** Over all blocks; the report's are over those without gaps. */
    String ranks(String backbone) {
        return sql(
                """
                WITH ranks AS (SELECT "row", value,
                  rank() OVER (PARTITION BY sampling, train_share, seed ORDER BY value DESC) AS place FROM results
                  WHERE backbone = '%s' AND %s)
                SELECT "row", avg(place) AS rank, avg(value) AS mean, count(*) AS blocks FROM ranks GROUP BY ALL ORDER BY 2"""
                        .formatted(backbone, where(cut)));
    }

    String pairs(String backbone) {
        return sql(
                """
                SELECT a."row" AS first, b."row" AS second, avg(a.value - b.value) AS difference, count(*) AS pairs
                FROM results a JOIN results b USING (backbone, sampling, train_share, seed, reader, test_share, metric)
                WHERE a."row" <> b."row" AND backbone = '%s' AND %s GROUP BY ALL ORDER BY ALL"""
                        .formatted(backbone, where(cut)));
    }

    String values() {
        return sql(
                """
                SELECT method, backbone, sampling, train_share, seed, value FROM results WHERE %s ORDER BY ALL"""
                        .formatted(where(cut)));
    }

    /** Without the turn that makes more better; it changes a sign, and what is best near 1. */
    String scores() {
        return sql(
                """
                WITH pairs AS (SELECT s.score, s.value AS x, r.value AS y FROM scores s JOIN results r USING (id) WHERE %s),
                ranks AS (SELECT score, rank() OVER (PARTITION BY score ORDER BY x) AS x,
                  rank() OVER (PARTITION BY score ORDER BY y) AS y FROM pairs)
                SELECT score, count(*) AS runs, corr(x, y) AS spearman FROM ranks GROUP BY score ORDER BY abs(spearman) DESC"""
                        .formatted(where(cut)));
    }

    String cost() {
        return sql(
                """
                SELECT "row", count(*) AS runs, avg(train_seconds) AS train, avg(judge_seconds) AS judge FROM runs
                GROUP BY "row" ORDER BY ALL""");
    }

    String sizes() {
        return sql(
                """
                SELECT "row", train_share, avg(value) FILTER (sampling = 'published') AS published,
                  avg(value) FILTER (sampling = 'fixed_size') AS fixed_size FROM results WHERE %s GROUP BY ALL ORDER BY ALL"""
                        .formatted(where(cut)));
    }
}
