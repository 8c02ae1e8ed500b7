package io.culvert.study.report;

import io.culvert.report.Chart;
import io.culvert.report.Chart.Range;
import io.culvert.report.Chart.Tick;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.DoubleStream;

/** The study's charts as SVG. A method has one colour everywhere, its class name in the style sheet. */
final class StudyCharts {
    private static final int WIDTH = 460;
    private static final int HEIGHT = 340;
    private static final int SMALL_WIDTH = 300;
    private static final int SMALL_HEIGHT = 230;
    /** Between the series at one share, in decades, so that their intervals do not cover each other. */
    private static final double DODGE = 0.01;

    /** A line over shares. */
    record Line(Network network, Map<Double, Analysis.Spot> spots) {}

    private StudyCharts() {}

    /** The class name that gives a method its colour. */
    static String style(Network network) {
        return "m-" + network.method().replaceAll("[^a-z0-9]+", "-");
    }

    /**
     * Lines over a share on a logarithmic axis, rare on the left.
     *
     * @param ys of the axis, so that several charts compare
     */
    static String lines(String description, List<Line> lines, List<Double> shares, String xName, String yName, Range ys) {
        double first = Math.log10(shares.stream().min(Comparator.naturalOrder()).orElseThrow());
        double last = Math.log10(shares.stream().max(Comparator.naturalOrder()).orElseThrow());
        double margin = Math.max(0.1, 0.06 * (last - first));
        List<Tick> ticks = shares.stream().map(share -> new Tick(Math.log10(share), Words.percent(share))).toList();
        Chart chart = new Chart(WIDTH, HEIGHT, description, new Range(first - margin, last + margin), ys)
                .axes(xName, yName, ticks, 5);
        for (int i = 0; i < lines.size(); i++) {
            draw(chart, lines.get(i), DODGE * (i - (lines.size() - 1) / 2.0));
        }
        return chart.close();
    }

    private static void draw(Chart chart, Line line, double shift) {
        String style = style(line.network());
        double[] x = line.spots().keySet().stream().mapToDouble(share -> Math.log10(share) + shift).toArray();
        double[] y = line.spots().values().stream().mapToDouble(spot -> spot.estimate().mean()).toArray();
        if (x.length > 1) {
            chart.curve("curve series " + style, x, y);
        }
        int i = 0;
        for (Map.Entry<Double, Analysis.Spot> entry : line.spots().entrySet()) {
            Analysis.Spot spot = entry.getValue();
            if (spot.hasInterval()) {
                chart.bar("interval " + style, x[i], spot.low(), spot.high());
            }
            chart.dot(
                    "dot " + style, x[i], y[i], 3,
                    "%s, %s: %s".formatted(line.network().row(), Words.percent(entry.getKey()), Words.mean(spot.estimate())));
            i++;
        }
    }

    /** All that these lines show, within 0..1. */
    static Range range(List<Line> lines) {
        double[] values = lines.stream()
                .flatMap(line -> line.spots().values().stream())
                .flatMapToDouble(spot -> DoubleStream.of(
                        spot.estimate().mean(), spot.hasInterval() ? spot.low() : spot.estimate().mean(),
                        spot.hasInterval() ? spot.high() : spot.estimate().mean()))
                .toArray();
        return around(values, 0, 1);
    }

    private static Range around(double[] values, double least, double most) {
        double low = Arrays.stream(values).min().orElse(0);
        double high = Arrays.stream(values).max().orElse(1);
        double margin = high > low ? 0.05 * (high - low) : Math.max(0.02, Math.abs(high) / 10);
        return new Range(Math.max(least, low - margin), Math.min(most, high + margin));
    }

    /** Score against metric, one dot a run. */
    static String scatter(ScoreStudy study) {
        double[] x = study.points().stream().mapToDouble(ScoreStudy.Point::merit).toArray();
        double[] y = study.points().stream().mapToDouble(ScoreStudy.Point::metric).toArray();
        Range xs = around(x, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        Chart chart = new Chart(
                        SMALL_WIDTH, SMALL_HEIGHT, study.score().key() + " against AUROC", xs,
                        around(y, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY))
                .axes("better by the score →", "AUROC", 3, 4);
        for (ScoreStudy.Point point : study.points()) {
            chart.dot(
                    "dot " + style(point.network()), point.merit(), point.metric(), 3,
                    "%s, %s, seed %d".formatted(
                            point.network().row(), Words.percent(point.block().share()), point.block().seed()));
        }
        return chart.close();
    }

    /** One chart a backbone, on one scale. */
    static Map<String, String> perBackbone(
            List<Network> networks, Function<Network, Map<Double, Analysis.Spot>> spots, String xName,
            String yName, String what) {
        List<Line> lines = new ArrayList<>();
        for (Network network : networks) {
            Optional.of(spots.apply(network))
                    .filter(found -> !found.isEmpty())
                    .ifPresent(found -> lines.add(new Line(network, found)));
        }
        List<Double> shares = lines.stream().flatMap(line -> line.spots().keySet().stream()).distinct().sorted().toList();
        Map<String, String> charts = new LinkedHashMap<>();
        for (String backbone : lines.stream().map(line -> line.network().backbone()).distinct().toList()) {
            List<Line> own = lines.stream().filter(line -> line.network().backbone().equals(backbone)).toList();
            charts.put(backbone, lines(what + ", " + backbone, own, shares, xName, yName, range(lines)));
        }
        return charts;
    }
}
