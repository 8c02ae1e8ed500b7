package io.culvert.profile;

import java.util.List;
import java.util.Locale;

/**
 * The roofline (Williams, Waterman and Patterson, 2009): operations by floating-point operations a byte and a second under what
 * the machine gives. An area is the time an operation took.
 */
final class RooflineSvg {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 520;
    private static final int LEFT = 70;
    private static final int RIGHT = 170;
    private static final int TOP = 40;
    private static final int BOTTOM = 55;
    private static final double LOWEST_X = -3;
    private static final double HIGHEST_X = 4;
    private static final String[] COLOURS = {
        "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"
    };

    private final double lowestY;
    private final double highestY;
    private final StringBuilder out = new StringBuilder();

    private RooflineSvg(Ceilings roof) {
        highestY = Math.ceil(Math.log10(roof.flops() / 1e9) + 0.1);
        lowestY = highestY - 6;
    }

    static String of(Ceilings roof, Analysis analysis) {
        RooflineSvg svg = new RooflineSvg(roof);
        svg.frame(roof);
        List<String> kinds = analysis.classes().stream().map(Analysis.Row::kind).toList();
        for (Analysis.Row row : analysis.rows()) {
            if (row.flops() > 0 && row.bytes() > 0 && row.seconds() > 0) {
                svg.dot(row, analysis.percent(row.seconds()), kinds.indexOf(row.kind()));
            }
        }
        for (int i = 0; i < Math.min(kinds.size(), COLOURS.length); i++) {
            double y = TOP + 16 + 18 * i;
            svg.add("<circle cx=\"%d\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/>", WIDTH - RIGHT + 16, y - 4, COLOURS[i]);
            svg.text(WIDTH - RIGHT + 26, y, "start", kinds.get(i));
        }
        return svg.out.append("</svg>\n").toString();
    }

    private void add(String format, Object... args) {
        out.append(String.format(Locale.ROOT, format, args)).append('\n');
    }

    private void text(double x, double y, String anchor, String text) {
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor, escape(text));
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private double x(double intensity) {
        double log = Math.clamp(Math.log10(intensity), LOWEST_X, HIGHEST_X);
        return LEFT + (log - LOWEST_X) / (HIGHEST_X - LOWEST_X) * (WIDTH - LEFT - RIGHT);
    }

    private double y(double gflops) {
        double log = Math.clamp(Math.log10(gflops), lowestY, highestY);
        return HEIGHT - BOTTOM - (log - lowestY) / (highestY - lowestY) * (HEIGHT - TOP - BOTTOM);
    }

    private void frame(Ceilings roof) {
        add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\""
                + " font-size=\"12\">", WIDTH, HEIGHT);
        add("<title>Roofline of the operations of a training step</title>");
        add("<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>");
        for (int decade = (int) LOWEST_X; decade <= HIGHEST_X; decade++) {
            double at = x(Math.pow(10, decade));
            line(at, TOP, at, HEIGHT - BOTTOM, "#e4e4e4");
            text(at, HEIGHT - BOTTOM + 18, "middle", tick(decade));
        }
        for (int decade = (int) lowestY; decade <= highestY; decade++) {
            double at = y(Math.pow(10, decade));
            line(LEFT, at, WIDTH - RIGHT, at, "#e4e4e4");
            text(LEFT - 8, at + 4, "end", tick(decade));
        }
        text(LEFT, TOP - 16, "start", "GFLOP/s");
        text(WIDTH - RIGHT, HEIGHT - 12, "end", "FLOP / byte");
        double ridge = roof.flops() / roof.bytes();
        double most = roof.flops() / 1e9;
        double lowest = Math.max(Math.pow(10, LOWEST_X), Math.pow(10, lowestY) / (roof.bytes() / 1e9));
        line(x(lowest), y(lowest * roof.bytes() / 1e9), x(ridge), y(most), "#333");
        line(x(ridge), y(most), WIDTH - RIGHT, y(most), "#333");
        text(WIDTH - RIGHT - 4, y(most) - 6, "end", String.format(Locale.ROOT, "%.0f GFLOP/s", most));
        text(x(ridge) - 90, y(most) + 12, "end", String.format(Locale.ROOT, "%.1f GB/s", roof.bytes() / 1e9));
    }

    private static String tick(int decade) {
        return decade >= 0 ? String.format(Locale.ROOT, "%.0f", Math.pow(10, decade)) : "0." + "0".repeat(-decade - 1) + "1";
    }

    private void line(double x1, double y1, double x2, double y2, String colour) {
        add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>", x1, y1, x2, y2, colour);
    }

    private void dot(Analysis.Row row, double percent, int kind) {
        double rate = row.flops() / row.seconds() / 1e9;
        String title = String.format(
                Locale.ROOT, "%s (%s): %.2f GFLOP/s, %.1f %% of the time", row.layer(), row.kind(), rate, percent);
        add("<g><title>%s</title><circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" fill-opacity=\"0.55\"/></g>",
                escape(title), x(row.flops() / row.bytes()), y(rate), 2 + 3 * Math.sqrt(percent),
                COLOURS[kind % COLOURS.length]);
    }
}
