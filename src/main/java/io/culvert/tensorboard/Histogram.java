package io.culvert.tensorboard;

import java.util.Arrays;

/** Values counted in buckets that grow by a tenth from 1e-12 on either side of zero, as TensorFlow's own. */
final class Histogram {
    private static final double[] LIMITS = limits();

    private final double[] counts = new double[LIMITS.length];
    private double min = Double.MAX_VALUE;
    private double max = -Double.MAX_VALUE;
    private double sum;
    private double squares;
    private long count;

    /** Counts what is finite. */
    Histogram(float... values) {
        for (float value : values) {
            if (Float.isFinite(value)) {
                min = Math.min(min, value);
                max = Math.max(max, value);
                sum += value;
                squares += (double) value * value;
                count++;
                counts[bucket(value)]++;
            }
        }
    }

    private static double[] limits() {
        double[] positive = new double[1000];
        int count = 0;
        for (double limit = 1e-12; limit < 1e20; limit *= 1.1) {
            positive[count++] = limit;
        }
        positive[count++] = Double.MAX_VALUE;
        double[] limits = new double[2 * count + 1];
        for (int i = 0; i < count; i++) {
            limits[count + 1 + i] = positive[i];
            limits[count - 1 - i] = -positive[i];
        }
        return limits;
    }

    /** The first whose limit is above the value. */
    private static int bucket(double value) {
        int found = Arrays.binarySearch(LIMITS, value);
        return found >= 0 ? found + 1 : -found - 1;
    }

    /** {@code HistogramProto}: runs of empty buckets are left out but for their last. */
    Message message() {
        double[] limits = new double[LIMITS.length];
        double[] kept = new double[LIMITS.length];
        int size = 0;
        for (int i = 0; i < LIMITS.length; i++) {
            boolean needed = counts[i] > 0 || i + 1 == LIMITS.length || counts[i + 1] > 0;
            if (needed) {
                limits[size] = LIMITS[i];
                kept[size++] = counts[i];
            }
        }
        return new Message()
                .number(1, count == 0 ? 0 : min)
                .number(2, count == 0 ? 0 : max)
                .number(3, count)
                .number(4, sum)
                .number(5, squares)
                .numbers(6, Arrays.copyOf(limits, size))
                .numbers(7, Arrays.copyOf(kept, size));
    }
}
