package io.culvert.report;

import io.culvert.report.AnomalyReport.CodeRecall;
import io.culvert.report.AnomalyReport.Fact;
import io.culvert.report.AnomalyReport.LabelFreeScore;
import io.culvert.report.AnomalyReport.Numbers;
import io.culvert.report.AnomalyReport.Picture;
import io.culvert.report.AnomalyReport.Point;
import io.culvert.report.AnomalyReport.Reader;
import io.culvert.report.AnomalyReport.Training;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A report of plausible, made-up numbers: no run stands behind them. */
final class MadeUpReport {
    static final int IMAGES = 600;
    private static final double THRESHOLD = 1.1;

    private MadeUpReport() {}

    static AnomalyReport plausible() {
        return named("demo", "00000123.png");
    }

    /** The same with this title and name of the first picture in every list. */
    static AnomalyReport named(String title, String file) {
        return new AnomalyReport(
                title,
                "Written on 23 November 2026, 14:05 UTC, after 4 min 12 s",
                "ResNet-18 pre-trained with SimCLR on 2,400 frames of 64 × 64 pixels, without labels",
                evaluation(1.9, THRESHOLD),
                evaluation(0.7, 0.3),
                List.of(new Reader("linear probe", new Numbers(0.912, 0.61, 0.58), new Numbers(0.701, 0.33, 0.36)),
                        new Reader("20 neighbours", new Numbers(0.874, 0.52, 0.51), new Numbers(0.655, 0.29, 0.31)),
                        new Reader("own classifier", new Numbers(0.921, 0.63, 0.6), null)),
                List.of(new CodeRecall("RB", "cracks, breaks, collapses", 31, 27, 15),
                        new CodeRecall("RO", "roots", 24, 19, 6),
                        new CodeRecall("AF", "settled deposits", 18, 9, 10),
                        new CodeRecall("FS", "displaced joint", 12, 3, 0)),
                List.of(new LabelFreeScore("rankme", "higher", 61.42, 18.05, ""),
                        new LabelFreeScore("alpha_req", "near 1", 1.31, 2.74, "eigenvalues 11-100, R2 0.9912"),
                        new LabelFreeScore("tail_agreement", "higher", 0.46, null, "")),
                training(),
                pictures(12, 6.2, file, true),
                pictures(4, -2.5, file, true),
                pictures(7, 3.1, file, false),
                List.of(new Fact("backbone", "resnet18"), new Fact("method", "simclr, T = 0.2"),
                        new Fact("image size", "64"), new Fact("batch", "128"), new Fact("epochs", "8"),
                        new Fact("optimiser", "lars, lr 0.3"), new Fact("seed", "42")),
                List.of(new Fact("device", "cpu, 2 threads"), new Fact("processor", "Example CPU @ 2.8 GHz"),
                        new Fact("oneDNN", "3.13"), new Fact("JDK", "25.0.1+8"), new Fact("Culvert", "0.1.0")),
                List.of(new Fact("pre-training", "3 min 31 s"), new Fact("images/s", "912"),
                        new Fact("data wait", "0.4 %"), new Fact("both probes", "9 s")),
                List.of("The frames are synthetic. The numbers say that the pipeline works, not how well it does on "
                        + "real pipes."),
                List.of("./culvert data synth --out data/demo --train 2400 --test 600 --seed 42",
                        "./culvert pretrain --config configs/demo.yaml",
                        "./culvert probe runs/demo"));
    }

    static double[] scores(double shift) {
        Random random = new Random(3);
        double[] scores = new double[IMAGES];
        for (int i = 0; i < IMAGES; i++) {
            scores[i] = random.nextGaussian() + shift * labels()[i];
        }
        return scores;
    }

    static int[] labels() {
        int[] labels = new int[IMAGES];
        for (int i = 0; i < IMAGES; i += 7) {
            labels[i] = 1;
        }
        return labels;
    }

    private static Evaluation evaluation(double shift, double threshold) {
        return Evaluation.of(scores(shift), labels(), threshold, 1);
    }

    private static Training training() {
        Random random = new Random(4);
        List<Point> loss = new ArrayList<>();
        List<Point> rate = new ArrayList<>();
        for (int step = 1; step <= 300; step++) {
            loss.add(new Point(step, 3.4 + 2.1 * Math.exp(-step / 60.0) + 0.08 * random.nextGaussian()));
            double warm = Math.min(1, step / 40.0);
            rate.add(new Point(step, 0.15 * warm * (1 + Math.cos(Math.PI * Math.max(0, step - 40) / 260.0)) / 2));
        }
        return new Training(loss, rate);
    }

    private static List<Picture> pictures(int count, double from, String file, boolean defective) {
        List<Picture> pictures = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = i == 0 ? file : "%08d.png".formatted(1000 + i);
            List<String> codes = defective ? i % 3 == 0 ? List.of("RB", "RO") : List.of("AF") : List.of();
            pictures.add(new Picture(name, from - 0.23 * i, codes, thumbnail(i)));
        }
        return pictures;
    }

    /** A pipe of sorts: rings that darken towards the middle. */
    private static String thumbnail(int seed) {
        int side = 240;
        byte[] rgb = new byte[3 * side * side];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                double r = Math.hypot(x - 120 - 4 * seed, y - 110) / 150;
                double light = Math.min(1, r * r) * (0.86 + 0.08 * Math.sin(18 / (r + 0.15) + seed));
                for (int c = 0; c < 3; c++) {
                    rgb[3 * (y * side + x) + c] = (byte) (255 * light * (0.9 - 0.16 * c));
                }
            }
        }
        return Thumbnail.dataUri(MemorySegment.ofArray(rgb), side, side, 160);
    }
}
