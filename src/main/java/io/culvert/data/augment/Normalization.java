package io.culvert.data.augment;

import io.culvert.CulvertException;
import java.util.List;

/**
 * The normalisation {@code (x - mean) / std} of values in 0..1, three numbers each in the order red, green, blue.
 */
public record Normalization(List<Double> mean, List<Double> std) {
    /** Sewer-ML's (Haurum and Moeslund, CVPR 2021). */
    public static final Normalization SEWER_ML =
            new Normalization(List.of(0.523, 0.453, 0.345), List.of(0.210, 0.199, 0.154));

    /** Leaves every value as it is. */
    public static final Normalization NONE = new Normalization(List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));

    public Normalization {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        if (mean.size() != 3 || std.size() != 3 || std.stream().anyMatch(x -> !(x > 0))) {
            throw CulvertException.usage("mean and std take 3 numbers each, std above 0; got %s and %s", mean, std);
        }
    }

    float[] meanArray() {
        return toArray(mean);
    }

    float[] stdArray() {
        return toArray(std);
    }

    private static float[] toArray(List<Double> values) {
        return new float[] {
            values.get(0).floatValue(), values.get(1).floatValue(), values.get(2).floatValue()
        };
    }
}
