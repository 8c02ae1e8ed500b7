package io.culvert.report;

import java.util.Locale;

/**
 * A drawing under construction. Colours come from the page's style sheet through class names, so that a drawing follows
 * light and dark mode. All text is escaped here.
 */
final class Svg {
    private final StringBuilder out = new StringBuilder();

    /** Opens a drawing of this size in its own units; the page scales it to the space there is. */
    Svg(int width, int height, String description) {
        out.append("<svg viewBox=\"0 0 ").append(width).append(' ').append(height)
                .append("\" role=\"img\" aria-label=\"").append(escape(description)).append("\">");
    }

    void line(String style, double x1, double y1, double x2, double y2) {
        out.append("<line class=\"").append(style).append("\" x1=\"").append(number(x1)).append("\" y1=\"")
                .append(number(y1)).append("\" x2=\"").append(number(x2)).append("\" y2=\"").append(number(y2))
                .append("\"/>");
    }

    void path(String style, String data) {
        out.append("<path class=\"").append(style).append("\" d=\"").append(data).append("\"/>");
    }

    void circle(String style, double x, double y, double radius, String title) {
        out.append("<circle class=\"").append(style).append("\" cx=\"").append(number(x)).append("\" cy=\"")
                .append(number(y)).append("\" r=\"").append(number(radius)).append("\"><title>").append(escape(title))
                .append("</title></circle>");
    }

    /** Text whose class names say where it is anchored. */
    void text(String style, double x, double y, String text) {
        out.append("<text class=\"").append(style).append("\" x=\"").append(number(x)).append("\" y=\"")
                .append(number(y)).append("\">").append(escape(text)).append("</text>");
    }

    String close() {
        return out.append("</svg>").toString();
    }

    /** Pixels to a tenth, shorter than the default form. */
    static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
