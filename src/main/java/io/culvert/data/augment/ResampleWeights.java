package io.culvert.data.augment;

import java.util.Arrays;

/**
 * The weights of a resize along one axis: output {@code i} is the sum over {@code k < count(i)} of
 * {@code weight(i, k) * input[start(i) + k]}.
 *
 * <p>Antialiased: the filter is stretched by the scale when shrinking, cut at the border and normalised, as PyTorch's
 * {@code _upsample_bilinear2d_aa} and {@code _upsample_bicubic2d_aa}. Plain: the filter keeps its width and border
 * pixels repeat, as {@code interpolate(align_corners=False)}. The arrays are reused from call to call.
 */
public final class ResampleWeights {
    private int[] start = new int[0];
    private int[] count = new int[0];
    private float[] weights = new float[0];
    private double[] exact = new double[0];
    private int taps;

    /** Sets the weights from {@code input} to {@code output} pixels. */
    public void compute(int input, int output, Interpolation interpolation, boolean antialias) {
        double scale = (double) input / output;
        double stretch = antialias ? Math.max(scale, 1) : 1;
        double support = interpolation.radius * stretch;
        reserve(output, (int) Math.ceil(support) * 2 + 1);
        for (int i = 0; i < output; i++) {
            double center = scale * (i + 0.5);
            if (antialias) {
                antialiased(i, center, input, interpolation, support, stretch);
            } else {
                repeatingBorder(i, center, input, interpolation);
            }
        }
    }

    private void antialiased(int i, double center, int input, Interpolation filter, double support, double stretch) {
        int from = Math.max((int) (center - support + 0.5), 0);
        int to = Math.min((int) (center + support + 0.5), input);
        double total = 0;
        for (int k = 0; k < to - from; k++) {
            exact[k] = filter.weight((from + k - center + 0.5) / stretch, true);
            total += exact[k];
        }
        store(i, from, to - from, 1 / total);
    }

    private void repeatingBorder(int i, double center, int input, Interpolation filter) {
        double position = center - 0.5;
        int first = (int) Math.floor(position) - filter.radius + 1;
        int last = first + 2 * filter.radius - 1;
        int from = Math.clamp(first, 0, input - 1);
        int to = Math.clamp(last, 0, input - 1) + 1;
        Arrays.fill(exact, 0, to - from, 0);
        for (int source = first; source <= last; source++) {
            exact[Math.clamp(source, 0, input - 1) - from] += filter.weight(source - position, false);
        }
        store(i, from, to - from, 1);
    }

    private void store(int i, int from, int length, double factor) {
        start[i] = from;
        count[i] = length;
        for (int k = 0; k < length; k++) {
            weights[i * taps + k] = (float) (exact[k] * factor);
        }
    }

    private void reserve(int output, int maximumTaps) {
        taps = maximumTaps;
        if (start.length < output) {
            start = new int[output];
            count = new int[output];
        }
        if (weights.length < output * maximumTaps) {
            weights = new float[output * maximumTaps];
        }
        if (exact.length < maximumTaps) {
            exact = new double[maximumTaps];
        }
    }

    /** The first input of output {@code i}. */
    public int start(int i) {
        return start[i];
    }

    /** How many inputs output {@code i} has. */
    public int count(int i) {
        return count[i];
    }

    /** Where the weights of output {@code i} begin in {@link #weights()}. */
    public int offset(int i) {
        return i * taps;
    }

    /** All weights; they belong to this object. */
    public float[] weights() {
        return weights;
    }
}
