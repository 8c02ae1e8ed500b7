package io.culvert.bench.op;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An operation and its sizes, written {@code name,size,size,...}; every side fills its operands with the same numbers and
 * takes the same constants, so that their results can be compared.
 *
 * <ul>
 *   <li>{@code batch_norm,N,H,W,C}: in training mode, epsilon 1e-5, gain the deviation of each channel, offset 0
 *   <li>{@code layer_norm,ROWS,D}: epsilon 1e-6, gain 1, offset 0
 *   <li>{@code attention,B,N,HEADS,D}: from the packed projection {@code [B, N, 3, HEADS, D]} to {@code [B, N, HEADS D]}
 *   <li>{@code nt_xent,B,D}: two views of {@code [B, D]}, temperature 0.2
 *   <li>{@code barlow_twins,B,D}: two views, lambda 0.005, epsilon 1e-5
 *   <li>{@code byol,B,D}: predictions and targets of two views
 *   <li>{@code dino,B,CROPS,K}: temperatures 0.1 and 0.04, momentum of the centre 0.9
 *   <li>{@code mae,N,SIZE,PATCH}: pixels standardised patch by patch, three patches of four removed
 * </ul>
 *
 * @param op the operation's name
 * @param sizes as above
 */
public record OpShape(String op, List<Integer> sizes) {
    private static final Map<String, Integer> SIZES = Map.of(
            "batch_norm",
            4,
            "layer_norm",
            2,
            "attention",
            4,
            "nt_xent",
            2,
            "barlow_twins",
            2,
            "byol",
            2,
            "dino",
            3,
            "mae",
            3);

    private static final Set<String> LOSSES = Set.of("nt_xent", "barlow_twins", "byol", "dino", "mae");

    /**
     * Reads {@code name,size,size,...}.
     *
     * @throws CulvertException of kind USAGE if there is no such operation or it has another number of sizes
     */
    public static OpShape parse(String text) {
        String[] words = text.split(",", -1);
        if (words.length - 1 != SIZES.getOrDefault(words[0], -1)) {
            throw CulvertException.usage(
                    "'%s' is no operation with its sizes; known, with how many sizes: %s", text, SIZES);
        }
        try {
            return new OpShape(
                    words[0], Arrays.stream(words).skip(1).map(Integer::valueOf).toList());
        } catch (NumberFormatException e) {
            throw CulvertException.usage("'%s': the sizes must be whole numbers", text);
        }
    }

    /** Whether its result is one number. */
    public boolean isLoss() {
        return LOSSES.contains(op);
    }

    /** As {@link #parse} takes it. */
    @Override
    public String toString() {
        return op + sizes.stream().map(size -> "," + size).collect(Collectors.joining());
    }

    /** One of the sizes. */
    public int at(int index) {
        return sizes.get(index);
    }

    /**
     * Numbers that look random, of mean 0 and variance 1, and that any language computes alike:
     * {@code (frac(43758.5453 sin(12.9898 i + seed)) - 0.5) sqrt(12)}.
     */
    public static float[] numbers(int seed, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            double wave = 43758.5453 * Math.sin(12.9898 * i + seed);
            values[i] = (float) ((wave - Math.floor(wave) - 0.5) * Math.sqrt(12));
        }
        return values;
    }

    /** MAE's mask: 1, removed, for about three of four. */
    public static float[] mask(int count) {
        float[] values = numbers(3, count);
        for (int i = 0; i < count; i++) {
            values[i] = values[i] > -0.25 * Math.sqrt(12) ? 1 : 0;
        }
        return values;
    }

    /**
     * The gain of a batch normalisation: each channel's deviation, epsilon in it, so that a gradient which is the next
     * call's input neither grows nor fades.
     *
     * @param x {@code [rows, channels]}
     */
    public static float[] gain(float[] x, int channels) {
        float[] gain = new float[channels];
        int rows = x.length / channels;
        for (int c = 0; c < channels; c++) {
            double sum = 0;
            double squares = 0;
            for (int r = 0; r < rows; r++) {
                double value = x[r * channels + c];
                sum += value;
                squares += value * value;
            }
            double mean = sum / rows;
            gain[c] = (float) Math.sqrt(squares / rows - mean * mean + 1e-5);
        }
        return gain;
    }
}
