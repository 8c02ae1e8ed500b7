package io.culvert.cli;

import io.culvert.study.Plan;
import io.culvert.study.Store;
import io.culvert.study.StudyConfig;
import io.culvert.study.TableText;
import io.culvert.study.Tables;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study table}: results in rows and columns. */
@Command(
        name = "table",
        description = {
            "Prints the results of a study so far.",
            "",
            "A line a row of its configuration, a column a share of defects in training, mean over seeds +- their standard deviation.",
            "",
            "The results lie in study.duckdb in the study's folder, made anew of the runs' sidecar.json by this command:",
            "  runs     one row a network: row, method, backbone, sampling, train_share, seed, images, loss, train_seconds, ...",
            "  results  one row a network, reader, test_share and metric, with its value",
            "  cells    the same with a column a metric",
            "  scores   one row a network and label-free score"
        },
        footer = {
            "",
            "Examples:",
            "  culvert study table --config configs/study-small.yaml --metric average_precision --test-share 0.05",
            "  culvert study table --config configs/study-small.yaml --format csv --sql \"SELECT * FROM cells\""
        })
final class StudyTableCommand implements Runnable {
    @Mixin
    private StudyCommand.Which which;

    @Option(names = "--metric", paramLabel = "NAME", defaultValue = "auroc", description = "What to show; ${DEFAULT-VALUE}.")
    private String metric;

    @Option(
            names = "--reader",
            paramLabel = "NAME",
            defaultValue = "linear probe",
            description = "What read the frozen features; ${DEFAULT-VALUE}.")
    private String reader;

    @Option(names = "--test-share", paramLabel = "P", description = "Share of defects in the test set; the greatest.")
    private Optional<Double> testShare;

    @Option(names = "--sampling", paramLabel = "HOW", description = "How training sets were drawn; the study's first way.")
    private Optional<String> sampling;

    @Option(names = "--sql", paramLabel = "QUERY", description = "Ask the database this instead.")
    private Optional<String> sql;

    @Option(names = "--show-sql", description = "Print the table's query instead of its result.")
    private boolean showSql;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "${COMPLETION-CANDIDATES}; ${DEFAULT-VALUE}.")
    private TableText.Format format;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        StudyConfig study = which.study();
        Plan plan = Plan.of(study);
        PrintWriter out = spec.commandLine().getOut();
        try (Store store = Store.of(plan)) {
            String query = sql.orElseGet(() -> query(study, store));
            out.print(showSql ? query + System.lineSeparator() : TableText.of(store.query(query), format));
        }
        out.flush();
    }

    private String query(StudyConfig study, Store store) {
        double share = testShare.orElseGet(
                () -> study.testShares().stream().max(Comparator.naturalOrder()).orElseThrow());
        Tables.Cut cut = new Tables.Cut(metric, reader, sampling.orElse(study.sampling().getFirst()), share);
        Tables.check(store, cut);
        return Tables.byTrainShare(cut, study.trainShares());
    }
}
