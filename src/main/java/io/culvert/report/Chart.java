package io.culvert.report;

import java.util.ArrayList;
import java.util.List;

/** Two axes with grid lines and tick labels, and what is drawn between them. */
public final class Chart {
    private static final int LEFT = 46;
    private static final int RIGHT = 14;
    private static final int TOP = 28;
    private static final int BOTTOM = 42;
    /** Curves move at least so many pixels from point to point: what is nearer cannot be seen. */
    private static final double RESOLUTION = 0.4;

    private final Svg svg;
    private final int width;
    private final int height;
    private final Range xs;
    private final Range ys;

    /** The values that an axis reaches from and to. */
    public record Range(double low, double high) {
        public static final Range UNIT = new Range(0, 1);

        /** Round values inside the range, about as many as wanted. */
        List<Double> ticks(int wanted) {
            double raw = (high - low) / wanted;
            double decade = Math.pow(10, Math.floor(Math.log10(raw)));
            double leading = raw / decade;
            double step = decade * (leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10);
            List<Double> ticks = new ArrayList<>();
            for (long k = (long) Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
                ticks.add(k * step);
            }
            return ticks;
        }
    }

    /** A tick that stands at a value and says something else, as on a logarithmic axis. */
    public record Tick(double at, String text) {}

    public Chart(int width, int height, String description, Range xs, Range ys) {
        this.svg = new Svg(width, height, description);
        this.width = width;
        this.height = height;
        this.xs = xs;
        this.ys = ys;
    }

    double x(double value) {
        return LEFT + (value - xs.low) / (xs.high - xs.low) * (width - LEFT - RIGHT);
    }

    double y(double value) {
        return height - BOTTOM - (value - ys.low) / (ys.high - ys.low) * (height - TOP - BOTTOM);
    }

    public Chart axes(String xName, String yName, int xTicks, int yTicks) {
        return axes(xName, yName, xs.ticks(xTicks).stream().map(at -> new Tick(at, Text.tick(at))).toList(), yTicks);
    }

    public Chart axes(String xName, String yName, List<Tick> xTicks, int yTicks) {
        for (double tick : ys.ticks(yTicks)) {
            svg.line("grid", LEFT, y(tick), width - RIGHT, y(tick));
            svg.text("tick end", LEFT - 7, y(tick) + 4, Text.tick(tick));
        }
        for (Tick tick : xTicks) {
            svg.text("tick middle", x(tick.at()), height - BOTTOM + 17, tick.text());
        }
        svg.line("axis", LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM);
        svg.text("label end", width - RIGHT, height - 6, xName);
        svg.text("label", 4, 11, yName);
        return this;
    }

    public Chart curve(String style, double[] x, double[] y) {
        StringBuilder data = new StringBuilder();
        double lastX = Double.NEGATIVE_INFINITY;
        double lastY = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < x.length; i++) {
            double px = x(x[i]);
            double py = y(y[i]);
            boolean ends = i == 0 || i == x.length - 1;
            if (ends || Math.abs(px - lastX) + Math.abs(py - lastY) >= RESOLUTION) {
                data.append(i == 0 ? 'M' : 'L').append(Svg.number(px)).append(' ').append(Svg.number(py));
                lastX = px;
                lastY = py;
            }
        }
        svg.path(style, data.toString());
        return this;
    }

    /** A stepped area of equally wide bins that fill the x axis. */
    Chart bins(String style, double[] values) {
        StringBuilder data = new StringBuilder("M" + Svg.number(x(xs.low)) + " " + Svg.number(y(0)));
        double bin = (xs.high - xs.low) / values.length;
        for (int i = 0; i < values.length; i++) {
            data.append('V').append(Svg.number(y(values[i]))).append('H')
                    .append(Svg.number(x(xs.low + (i + 1) * bin)));
        }
        data.append('V').append(Svg.number(y(0))).append('Z');
        svg.path(style, data.toString());
        return this;
    }

    /** A vertical line with a word at its top. */
    Chart marker(double at, String word) {
        svg.line("marker", x(at), TOP - 6, x(at), height - BOTTOM);
        boolean right = at < (xs.low + xs.high) / 2;
        svg.text(right ? "mark" : "mark end", x(at) + (right ? 6 : -6), TOP + 4, word);
        return this;
    }

    /** A straight line from point to point. */
    public Chart straight(String style, double x1, double y1, double x2, double y2) {
        svg.line(style, x(x1), y(y1), x(x2), y(y2));
        return this;
    }

    /**
     * A dot, with what it stands for where the page is read with a pointer.
     *
     * @param radius in pixels
     */
    public Chart dot(String style, double x, double y, double radius, String title) {
        svg.circle(style, x(x), y(y), radius, title);
        return this;
    }

    /** A vertical bar between two values, cut off where the axis ends. */
    public Chart bar(String style, double x, double low, double high) {
        svg.line(style, x(x), y(Math.clamp(low, ys.low, ys.high)), x(x), y(Math.clamp(high, ys.low, ys.high)));
        return this;
    }

    public String close() {
        return svg.close();
    }
}
