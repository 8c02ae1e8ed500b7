package io.culvert.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.nio.file.Path;

/** Writes a report as {@code report.html} and {@code report.json}. */
public final class ReportWriter {
    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private ReportWriter() {}

    /**
     * Writes both files into the folder, each whole or not at all.
     *
     * @throws CulvertException of kind DATA when the folder cannot be written
     */
    public static void write(Path folder, AnomalyReport report) {
        AtomicFile.replace(folder.resolve("report.json"), json(report));
        AtomicFile.replace(folder.resolve("report.html"), html(report));
    }

    /** The page. */
    static String html(AnomalyReport report) {
        return Pages.render("report.jte", new ReportPage(report, Pages.css()));
    }

    /** The report's numbers. */
    static String json(AnomalyReport report) {
        try {
            return JSON.writeValueAsString(report) + "\n";
        } catch (JsonProcessingException e) {
            throw new AssertionError("records of strings and numbers always have a JSON form", e);
        }
    }
}
