package io.culvert.data.synth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** No trivial statistic of a picture says whether it has a defect. */
class ShortcutTest {
    private static final int TRAIN = 1000;
    private static final int HELD_OUT = 1000;
    private static final int WIDTH = 128;
    private static final int HEIGHT = 104;
    /** Mean and deviation of the three channels, then the bytes of the JPEG file. */
    private static final int STATISTICS = 6;

    private static final double[][] FEATURES = new double[TRAIN + HELD_OUT][];
    private static final boolean[] DEFECTIVE = new boolean[TRAIN + HELD_OUT];

    @BeforeAll
    static void draw() {
        SceneFactory factory = new SceneFactory(11, 0.5, 1, 1);
        IntStream.range(0, FEATURES.length).parallel().forEach(i -> {
            Scene scene = factory.scene(0, i);
            Frame frame = new Renderer(WIDTH, HEIGHT).render(scene);
            FEATURES[i] = Arrays.copyOf(moments(frame), STATISTICS + 1);
            try (FrameEncoder encoder = new FrameEncoder()) {
                FEATURES[i][STATISTICS] = encoder.jpeg(frame, scene.sensor.jpegQuality()).length;
            }
            DEFECTIVE[i] = !scene.codes.isEmpty();
        });
    }

    @Test
    void pixelMeansAndDeviationsDoNotTell() {
        assertThat(heldOutAuroc(0, STATISTICS)).isBetween(0.4, 0.6);
    }

    @Test
    void fileSizeDoesNotTell() {
        assertThat(heldOutAuroc(STATISTICS, STATISTICS + 1)).isBetween(0.4, 0.6);
    }

    @Test
    void theProbeFindsAStatisticThatDoesTell() {
        double[][] kept = new double[FEATURES.length][];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = FEATURES[i].clone();
            FEATURES[i][0] += DEFECTIVE[i] ? 12 : 0;
        }
        double auroc = heldOutAuroc(0, STATISTICS);
        System.arraycopy(kept, 0, FEATURES, 0, kept.length);
        assertThat(auroc).isGreaterThan(0.65);
    }

    private static double[] moments(Frame frame) {
        double[] moments = new double[STATISTICS];
        int pixels = frame.width() * frame.height();
        for (int channel = 0; channel < 3; channel++) {
            double sum = 0;
            double squares = 0;
            for (int at = channel; at < frame.rgb().length; at += 3) {
                int value = frame.rgb()[at] & 0xff;
                sum += value;
                squares += value * value;
            }
            moments[channel] = sum / pixels;
            moments[3 + channel] = Math.sqrt(squares / pixels - moments[channel] * moments[channel]);
        }
        return moments;
    }

    /** Fits a logistic regression to standardised features [from, to) of the first pictures, scores the others. */
    private static double heldOutAuroc(int from, int to) {
        double[][] x = standardised(from, to);
        double[] weights = new double[to - from + 1];
        for (int step = 0; step < 3000; step++) {
            double[] gradient = new double[weights.length];
            for (int i = 0; i < TRAIN; i++) {
                double error = 1 / (1 + Math.exp(-score(weights, x[i]))) - (DEFECTIVE[i] ? 1 : 0);
                for (int k = 0; k < weights.length; k++) {
                    gradient[k] += error * x[i][k] / TRAIN;
                }
            }
            for (int k = 0; k < weights.length; k++) {
                weights[k] -= gradient[k];
            }
        }
        return auroc(weights, x);
    }

    private static double[][] standardised(int from, int to) {
        double[][] x = new double[FEATURES.length][to - from + 1];
        for (int k = from; k < to; k++) {
            int column = k;
            double mean = Arrays.stream(FEATURES)
                    .mapToDouble(f -> f[column])
                    .average()
                    .orElseThrow();
            double variance = Arrays.stream(FEATURES)
                    .mapToDouble(f -> (f[column] - mean) * (f[column] - mean))
                    .average()
                    .orElseThrow();
            for (int i = 0; i < x.length; i++) {
                x[i][k - from] = (FEATURES[i][k] - mean) / Math.sqrt(variance);
                x[i][to - from] = 1;
            }
        }
        return x;
    }

    private static double score(double[] weights, double[] x) {
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
            sum += weights[k] * x[k];
        }
        return sum;
    }

    /** Share of (defective, sound) held-out pairs that the score orders correctly. */
    private static double auroc(double[] weights, double[][] x) {
        double right = 0;
        long pairs = 0;
        for (int i = TRAIN; i < x.length; i++) {
            for (int j = TRAIN; j < x.length; j++) {
                if (DEFECTIVE[i] && !DEFECTIVE[j]) {
                    double difference = score(weights, x[i]) - score(weights, x[j]);
                    right += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
                    pairs++;
                }
            }
        }
        return right / pairs;
    }
}
