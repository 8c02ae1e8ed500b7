package io.culvert.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
        // The templates are classes of this jar, so no compiler is needed.
        TemplateEngine engine = TemplateEngine.createPrecompiled(ContentType.Html);
        StringOutput page = new StringOutput();
        engine.render("report.jte", new ReportPage(report, css()), page);
        return page.toString();
    }

    /** The report's numbers. */
    static String json(AnomalyReport report) {
        try {
            return JSON.writeValueAsString(report) + "\n";
        } catch (JsonProcessingException e) {
            throw new AssertionError("records of strings and numbers always have a JSON form", e);
        }
    }

    private static String css() {
        try (InputStream in = ReportWriter.class.getResourceAsStream("report.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
