package io.culvert.verify;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.verify.CaseOutcome.Status;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Lays out outcomes as rows of a table or as JSON, and sums them up in an exit code. */
public final class VerifyReport {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int KIND_WIDTH = 9;
    private static final int NAME_WIDTH = 17;

    private final List<CaseOutcome> outcomes = new ArrayList<>();
    private final String device;
    private final int fileWidth;

    /** @param files the cases that will be run: the table's first column is as wide as the longest */
    public VerifyReport(String device, List<Path> files) {
        this.device = device;
        fileWidth =
                files.stream().mapToInt(file -> file.toString().length()).max().orElse(1);
    }

    public void add(CaseOutcome outcome) {
        outcomes.add(outcome);
    }

    /** The table's heading. */
    public String heading() {
        return row("file", "kind", "name", "rel. error", "", "worst tensor");
    }

    /** The table's row of one case. */
    public String row(CaseOutcome outcome) {
        String error = "-";
        String tensor = "";
        if (outcome.worst() != null) {
            error = String.format(Locale.ROOT, "%.3e", outcome.worst().error());
            tensor = outcome.worst().tensor();
            if (!outcome.worst().reason().isEmpty()) {
                error = "-";
                tensor += ": " + outcome.worst().reason();
            }
        }
        return row(outcome.file().toString(), outcome.kind(), outcome.name(), error, word(outcome.status()), tensor);
    }

    private String row(String file, String kind, String name, String error, String status, String tensor) {
        return String.format(
                        Locale.ROOT,
                        "%-" + fileWidth + "s  %-" + KIND_WIDTH + "s  %-" + NAME_WIDTH + "s  %-10s  %-5s  %s",
                        file,
                        kind,
                        name,
                        error,
                        status,
                        tensor)
                .stripTrailing();
    }

    private static String word(Status status) {
        return status.name().toLowerCase(Locale.ROOT);
    }

    /** One line: how many passed, failed and could not be judged, and on what. */
    public String summary() {
        return "%d passed, %d failed, %d malformed or unknown (%s)"
                .formatted(count(Status.PASS), count(Status.FAIL), count(Status.ERROR), device);
    }

    private long count(Status status) {
        return outcomes.stream().filter(outcome -> outcome.status() == status).count();
    }

    /** All outcomes as one JSON object. */
    public String json() {
        ObjectNode root = JSON.createObjectNode().put("device", device);
        root.put("passed", count(Status.PASS)).put("failed", count(Status.FAIL)).put("errors", count(Status.ERROR));
        for (CaseOutcome outcome : outcomes) {
            ObjectNode node = root.withArray("cases").addObject();
            node.put("file", outcome.file().toString());
            node.put("kind", outcome.kind());
            node.put("name", outcome.name());
            node.put("status", word(outcome.status()));
            if (outcome.worst() == null) {
                node.put("message", outcome.message());
                continue;
            }
            node.put("tensor", outcome.worst().tensor());
            node.put("tolerance", outcome.tolerance());
            if (outcome.worst().reason().isEmpty()) {
                node.put("error", outcome.worst().error());
            } else {
                node.putNull("error").put("message", outcome.worst().reason());
            }
        }
        root.withArray("cases");
        return root.toPrettyString();
    }

    /** 0 if every case passed, 1 if one failed or there was none, 2 if a file was malformed or asked for the unknown. */
    public int exitCode() {
        if (count(Status.ERROR) > 0) {
            return 2;
        }
        return count(Status.FAIL) > 0 || outcomes.isEmpty() ? 1 : 0;
    }
}
