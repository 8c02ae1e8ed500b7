package io.culvert.study.report;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.report.Pages;
import io.culvert.study.Plan;
import io.culvert.study.Store;
import io.culvert.study.StudyConfig;
import io.culvert.study.TableText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;

/**
 * Writes the report of a study: a page that needs nothing beside it, its tables as Markdown and CSV in {@code tables}, and
 * {@code results.jsonl} with a line a network, reader and test share.
 */
public final class StudyReport {
    private static final JsonMapper JSON = new JsonMapper();

    private StudyReport() {}

    /**
     * Writes everything.
     *
     * @param config the arguments that name the study to a command
     * @param testShare share of defects in the test set at which networks are compared; 0: the greatest
     * @param file the page; the rest goes beside it
     * @throws CulvertException (usage) if runs were not judged at the test share; (data) if no run is done
     */
    public static void write(StudyConfig study, Plan plan, String config, double testShare, Path file) {
        try (Store store = Store.of(plan)) {
            StudyPage page = page(study, plan, store, config, testShare);
            Path beside = file.toAbsolutePath().getParent();
            Path tables = beside.resolve("tables");
            create(tables);
            for (Sheet sheet : page.tables()) {
                AtomicFile.replace(tables.resolve(sheet.name() + ".md"), sheet.text(TableText.Format.MARKDOWN));
                AtomicFile.replace(tables.resolve(sheet.name() + ".csv"), sheet.text(TableText.Format.CSV));
            }
            AtomicFile.replace(beside.resolve("results.jsonl"), lines(store.query("SELECT * FROM cells")));
            AtomicFile.replace(file, html(page));
        }
    }

    static StudyPage page(StudyConfig study, Plan plan, Store store, String config, double testShare) {
        Results results = Results.of(plan, store);
        SortedSet<Double> shares = results.testShares();
        double share = testShare > 0 ? testShare : shares.last();
        if (!shares.contains(share)) {
            throw CulvertException.usage("no test set has a share of %s; there are: %s", share, shares);
        }
        boolean synthetic = study.synthetic().isPresent()
                && plan.runs().stream()
                        .anyMatch(run -> run.config().data().csv().startsWith(study.synthetic().get().folder()));
        String css = Pages.css() + Pages.css(StudyReport.class, "study.css");
        return new StudyPage(study.name(), css, config, synthetic, Analysis.of(results, share));
    }

    static String html(StudyPage page) {
        return Pages.render("study.jte", page);
    }

    /** A JSON object a row, without what is null. */
    private static String lines(Store.Table table) {
        StringBuilder lines = new StringBuilder();
        for (List<Object> row : table.rows()) {
            ObjectNode line = JSON.createObjectNode();
            for (int i = 0; i < row.size(); i++) {
                if (row.get(i) != null) {
                    line.set(table.columns().get(i), JSON.valueToTree(row.get(i)));
                }
            }
            lines.append(line).append('\n');
        }
        return lines.toString();
    }

    private static void create(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
    }
}
