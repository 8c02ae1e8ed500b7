package io.culvert.report;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Makes pages of templates; all of Culvert's share one style sheet. */
public final class Pages {
    private Pages() {}

    /**
     * A page.
     *
     * @param template below {@code src/main/jte}
     * @param page its parameter of that name
     */
    public static String render(String template, Object page) {
        // The templates are classes of this jar, so no compiler is needed.
        TemplateEngine engine = TemplateEngine.createPrecompiled(ContentType.Html);
        StringOutput out = new StringOutput();
        engine.render(template, page, out);
        return out.toString();
    }

    /** What all pages look like. */
    public static String css() {
        return css(Pages.class, "report.css");
    }

    /** A style sheet beside a class. */
    public static String css(Class<?> beside, String file) {
        try (InputStream in = beside.getResourceAsStream(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
