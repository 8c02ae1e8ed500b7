package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.kernels.KernelCase.Type;
import java.util.ArrayList;
import java.util.List;

/** The kernels of batch normalisation, each on inputs of its own. */
final class BatchNormCases {
    private static final String MODULE = "batchnorm";
    private static final float EPS = 1e-5f;
    private static final float MOMENTUM = 0.1f;

    /** Groups, rows of a group, channels, parts of the rows. */
    private static final int[][] SHAPES = {
        {1, 1, 1, 1}, {2, 5, 3, 2}, {2, 33, 37, 2}, {1, 70, 16, 3}, {1, 300, 8, 1}, {1, 90, 264, 1}, {1, 70, 131, 1},
        {2, 5, 33, 70}, {1, 2, 5, 32}, {1, 32, 264, 1}, {1, 32, 131, 1}
    };

    private final List<KernelCase> cases = new ArrayList<>();
    private final int groups;
    private final int rows;
    private final int channels;
    private final int parts;
    private final double[] weight;
    private final double[] bias;
    private final double[] mean;
    private final double[] invStd;

    private BatchNormCases(int[] shape) {
        groups = shape[0];
        rows = shape[1];
        channels = shape[2];
        parts = shape[3];
        weight = F32.normal(11, channels);
        bias = F32.normal(12, channels);
        mean = F32.normal(13, groups * channels);
        invStd = F32.normal(14, groups * channels);
        for (int i = 0; i < invStd.length; i++) {
            invStd[i] = Math.abs(invStd[i]) + 0.5;
        }
        System.arraycopy(F32.round(invStd), 0, invStd, 0, invStd.length);
    }

    static List<KernelCase> all() {
        List<KernelCase> all = new ArrayList<>();
        for (int[] shape : SHAPES) {
            BatchNormCases of = new BatchNormCases(shape);
            of.parameters();
            of.running();
            of.move();
            of.merge(1);
            of.merge(4);
            for (Type type : List.of(F32, BF16)) {
                of.statistics(type);
                of.moments(type);
                of.ownMoments(type);
                of.forward(type);
                for (int variant = 0; variant < 5; variant++) {
                    of.reduce(type, variant);
                    of.backward(type, variant);
                }
            }
            all.addAll(of.cases);
        }
        // So many groups that every copy of an unrolled loop runs.
        BatchNormCases many = new BatchNormCases(new int[] {9, 3, 5, 1});
        many.move();
        all.addAll(many.cases);
        return all;
    }

    private int count() {
        return groups * rows * channels;
    }

    /** Place of element i's column in mean and invstd. */
    private int column(int i) {
        return i / (rows * channels) * channels + i % channels;
    }

    private void keep(KernelCase made, int... unaligned) {
        cases.add(made);
        if (channels == 8 || channels == 16) {
            List<KernelCase> shifted = made.misaligned();
            for (int index : unaligned) {
                cases.add(shifted.get(index));
            }
        }
    }

    private KernelCase overRows(String kernel) {
        return new KernelCase(MODULE, kernel).grid(1, parts, groups);
    }

    /** Adds up the parts of [groups, parts, 2, channels]. */
    private double[] sumParts(double[] scratch) {
        double[] sums = new double[groups * 2 * channels];
        for (int i = 0; i < scratch.length; i++) {
            int group = i / (parts * 2 * channels);
            sums[group * 2 * channels + i % (2 * channels)] += scratch[i];
        }
        return sums;
    }

    private void statistics(Type type) {
        double[] x = type.normal(1, count());
        for (int i = 0; i < x.length; i++) {
            x[i] = type.round(x[i] + 3);
        }
        double[] want = new double[groups * 2 * channels];
        for (int i = 0; i < x.length; i++) {
            int group = i / (rows * channels);
            double d = x[i] - x[group * rows * channels + i % channels];
            want[group * 2 * channels + i % channels] += d;
            want[group * 2 * channels + channels + i % channels] += d * d;
        }
        keep(overRows("batchnorm_statistics_" + type.suffix())
                .out(F64, want.length * parts, this::sumParts, want, Tolerance.SINGLE)
                .in(type, x).value(rows, channels), 1);
    }

    private void ownMoments(Type type) {
        double[] x = type.normal(1, count());
        double[] scratch = F64.normal(2, groups * parts * 2 * channels);
        double[] sums = sumParts(scratch);
        double[] own = new double[groups * 2 * channels];
        for (int i = 0; i < groups * channels; i++) {
            int group = i / channels;
            int c = i % channels;
            double shifted = sums[group * 2 * channels + c] / rows;
            own[group * 2 * channels + c] = x[group * rows * channels + c] + shifted;
            own[group * 2 * channels + channels + c] =
                    Math.max(0, sums[group * 2 * channels + channels + c] / rows - shifted * shifted);
        }
        cases.add(new KernelCase(MODULE, "batchnorm_own_moments_" + type.suffix()).grid(2)
                .out(F64, own).in(F64, scratch).in(type, x).value(groups, parts, rows, channels));
    }

    private void merge(int ranks) {
        double[] moments = F64.normal(2, ranks * groups * 2 * channels);
        for (int i = 0; i < moments.length; i++) {
            moments[i] = i / channels % 2 == 0 ? moments[i] : Math.abs(moments[i]);
        }
        double[] movedMean = F32.normal(3, channels);
        double[] movedVar = F32.normal(4, channels);
        double[] runningMean = movedMean.clone();
        double[] runningVar = movedVar.clone();
        double[] newMean = new double[groups * channels];
        double[] newInvStd = new double[groups * channels];
        double all = (double) rows * ranks;
        for (int i = 0; i < groups * channels; i++) {
            int c = i % channels;
            double middle = 0;
            double squares = 0;
            for (int rank = 0; rank < ranks; rank++) {
                double m = moments[(rank * groups + i / channels) * 2 * channels + c];
                middle += m / ranks;
                squares += (moments[(rank * groups + i / channels) * 2 * channels + channels + c] + m * m) / ranks;
            }
            double variance = squares - middle * middle;
            newMean[i] = middle;
            newInvStd[i] = 1 / Math.sqrt(variance + EPS);
            movedMean[c] = (1 - (double) MOMENTUM) * movedMean[c] + MOMENTUM * middle;
            movedVar[c] = (1 - (double) MOMENTUM) * movedVar[c]
                    + MOMENTUM * (all > 1 ? variance * all / (all - 1) : variance);
        }
        cases.add(new KernelCase(MODULE, "batchnorm_merge_f32").grid(2)
                .out(F32, newMean).out(F32, newInvStd).inout(F32, runningMean, movedMean).inout(F32, runningVar, movedVar)
                .in(F64, moments).value(ranks, groups, rows, channels).value(EPS, MOMENTUM));
    }

    private void moments(Type type) {
        double[] x = type.normal(1, count());
        double[] scratch = F64.normal(2, groups * parts * 2 * channels);
        // Squares are never negative, and here large enough for a variance above 0; one below is held at 0.
        for (int i = 0; i < scratch.length; i++) {
            boolean square = i % (2 * channels) >= channels;
            scratch[i] = square ? Math.abs(scratch[i]) + (i % 7 == 0 ? 0 : 20) : scratch[i] * Math.sqrt(rows);
        }
        double[] sums = sumParts(scratch);
        double[] runningMean = F32.normal(3, channels);
        double[] runningVar = F32.normal(4, channels);
        double[] newMean = new double[groups * channels];
        double[] newInvStd = new double[groups * channels];
        double[] movedMean = runningMean.clone();
        double[] movedVar = runningVar.clone();
        for (int group = 0; group < groups; group++) {
            for (int c = 0; c < channels; c++) {
                double shifted = sums[group * 2 * channels + c] / rows;
                double variance = Math.max(
                        0, sums[group * 2 * channels + channels + c] / rows - shifted * shifted);
                double centre = x[group * rows * channels + c] + shifted;
                newMean[group * channels + c] = centre;
                newInvStd[group * channels + c] = 1 / Math.sqrt(variance + EPS);
                double unbiased = rows > 1 ? variance * rows / (rows - 1) : variance;
                movedMean[c] = (1 - (double) MOMENTUM) * movedMean[c] + MOMENTUM * centre;
                movedVar[c] = (1 - (double) MOMENTUM) * movedVar[c] + MOMENTUM * unbiased;
            }
        }
        cases.add(new KernelCase(MODULE, "batchnorm_moments_" + type.suffix()).grid(2)
                .out(F32, newMean).out(F32, newInvStd).inout(F32, runningMean, movedMean).inout(F32, runningVar, movedVar)
                .in(F64, scratch).in(type, x).value(groups, parts, rows, channels).value(EPS, MOMENTUM));
    }

    private void running() {
        double[] variance = F32.normal(4, channels);
        double[] wantMean = new double[groups * channels];
        double[] wantInvStd = new double[groups * channels];
        double[] runningMean = F32.normal(3, channels);
        for (int i = 0; i < variance.length; i++) {
            variance[i] = Math.abs(variance[i]);
        }
        for (int i = 0; i < wantMean.length; i++) {
            wantMean[i] = runningMean[i % channels];
            wantInvStd[i] = 1 / Math.sqrt(variance[i % channels] + EPS);
        }
        cases.add(new KernelCase(MODULE, "batchnorm_running_f32").grid(2).block(32)
                .out(F32, wantMean).out(F32, wantInvStd).in(F32, runningMean).in(F32, variance)
                .value(groups, channels).value(EPS));
    }

    private void move() {
        double[] runningMean = F32.normal(3, channels);
        double[] runningVar = F32.normal(4, channels);
        double[] movedMean = runningMean.clone();
        double[] movedVar = runningVar.clone();
        double[] inverse = invStd.clone();
        // No variance: 1 / sqrt(eps), in singles, may be a little more.
        inverse[0] = (float) (1.0001 / Math.sqrt(EPS));
        for (int group = 0; group < groups; group++) {
            for (int c = 0; c < channels; c++) {
                double at = inverse[group * channels + c];
                double variance = Math.max(0, 1 / (at * at) - EPS);
                double unbiased = rows > 1 ? variance * rows / (rows - 1) : variance;
                movedMean[c] = (1 - (double) MOMENTUM) * movedMean[c] + MOMENTUM * mean[group * channels + c];
                movedVar[c] = (1 - (double) MOMENTUM) * movedVar[c] + MOMENTUM * unbiased;
            }
        }
        for (int blocks = 1; blocks < 3; blocks++) {
            cases.add(new KernelCase(MODULE, "batchnorm_move_f32").grid(blocks).block(32)
                    .inout(F32, runningMean, movedMean).inout(F32, runningVar, movedVar)
                    .in(F32, mean).in(F32, inverse).value(groups, rows, channels).value(EPS, MOMENTUM));
        }
    }

    private double affine(double[] x, int i) {
        return weight[i % channels] * (x[i] - mean[column(i)]) * invStd[column(i)] + bias[i % channels];
    }

    private void forward(Type type) {
        double[] x = type.normal(1, count());
        double[] residual = type.normal(2, count());
        for (int variant = 0; variant < 4; variant++) {
            boolean relu = variant % 2 == 1;
            boolean added = variant > 1;
            double[] y = new double[count()];
            for (int i = 0; i < y.length; i++) {
                double v = affine(x, i) + (added ? residual[i] : 0);
                y[i] = relu ? Math.max(0, v) : v;
            }
            KernelCase made = overRows("batchnorm_forward_" + type.suffix()).out(type, y).in(type, x);
            made = added ? made.in(type, residual) : made.none();
            made.in(F32, mean).in(F32, invStd).in(F32, weight).in(F32, bias)
                    .value(rows, channels, relu ? 1 : 0);
            keep(made, added ? new int[] {0, 1, 2} : new int[] {0, 1});
        }
    }

    /** Variants: plain, ReLU, second gradient with ReLU, residual with ReLU, residual and second gradient without. */
    private boolean relu(int variant) {
        return variant >= 1 && variant <= 3;
    }

    private boolean second(int variant) {
        return variant == 2 || variant == 4;
    }

    private boolean residual(int variant) {
        return variant >= 3;
    }

    private double[] masked(int variant, double[] dy, double[] other, double[] x, double[] y) {
        double[] dz = new double[count()];
        for (int i = 0; i < dz.length; i++) {
            dz[i] = second(variant) ? (float) (dy[i] + other[i]) : dy[i];
            boolean positive = residual(variant) ? y[i] > 0 : affine(x, i) > 0;
            dz[i] = !relu(variant) || positive ? dz[i] : 0;
        }
        return dz;
    }

    private void reduce(Type type, int variant) {
        double[] x = type.normal(1, count());
        double[] dy = type.normal(2, count());
        double[] other = type.normal(3, count());
        double[] y = type.normal(4, count());
        double[] dz = masked(variant, dy, other, x, y);
        double[] want = new double[groups * 2 * channels];
        for (int i = 0; i < dz.length; i++) {
            int at = i / (rows * channels) * 2 * channels + i % channels;
            want[at] += dz[i];
            want[at + channels] += dz[i] * (x[i] - mean[column(i)]);
        }
        KernelCase made = overRows("batchnorm_backward_reduce_" + type.suffix())
                .out(F64, want.length * parts, this::sumParts, want, new Tolerance(2e-6, 4e-6));
        made = residual(variant) ? made.out(type, type.round(dz), Tolerance.EXACT) : made.none();
        made = made.in(type, dy);
        made = second(variant) ? made.in(type, other) : made.none();
        made = made.in(type, x);
        made = residual(variant) ? made.in(type, y) : made.none();
        made.in(F32, mean).in(F32, invStd).in(F32, weight).in(F32, bias)
                .value(rows, channels, relu(variant) ? 1 : 0, residual(variant) ? 1 : 0);
        keep(made, residual(variant) ? new int[] {1, 2, 3, 4} : second(variant) ? new int[] {1, 2, 3} : new int[] {1, 2});
    }

    private void parameters() {
        double[] scratch = F64.normal(5, groups * parts * 2 * channels);
        double[] sums = sumParts(scratch);
        double[] dweight = F32.normal(6, channels);
        double[] dbias = F32.normal(7, channels);
        double[] newWeight = dweight.clone();
        double[] newBias = dbias.clone();
        double[] want = new double[groups * 2 * channels];
        for (int i = 0; i < want.length; i++) {
            int group = i / (2 * channels);
            int c = i % channels;
            boolean ofWeight = i % (2 * channels) >= channels;
            want[i] = ofWeight ? sums[i] * invStd[group * channels + c] : sums[i];
            newWeight[c] += ofWeight ? want[i] : 0;
            newBias[c] += ofWeight ? 0 : want[i];
        }
        cases.add(new KernelCase(MODULE, "batchnorm_backward_parameters_f32").grid(2)
                .inout(F32, dweight, newWeight).inout(F32, dbias, newBias).out(F32, want)
                .in(F64, scratch).in(F32, invStd).value(groups, parts, channels));
    }

    private void backward(Type type, int variant) {
        double[] x = type.normal(1, count());
        double[] dy = type.normal(2, count());
        double[] other = type.normal(3, count());
        double[] sums = F32.normal(8, groups * 2 * channels);
        // With a residual dy is masked already, and neither a second gradient nor the ReLU may count again.
        double[] dz = residual(variant) ? dy : masked(variant, dy, other, x, x);
        for (int training = 0; training < 2; training++) {
            double[] dx = new double[count()];
            for (int i = 0; i < dx.length; i++) {
                int c = i % channels;
                int at = i / (rows * channels) * 2 * channels + c;
                double scale = weight[c] * invStd[column(i)];
                double xhat = (x[i] - mean[column(i)]) * invStd[column(i)];
                dx[i] = scale * (dz[i] - (training == 1 ? (sums[at] + xhat * sums[at + channels]) / rows : 0));
            }
            KernelCase made = overRows("batchnorm_backward_" + type.suffix()).out(type, dx).in(type, dy);
            made = second(variant) ? made.in(type, other) : made.none();
            made.in(type, x).in(F32, sums).in(F32, mean).in(F32, invStd).in(F32, weight).in(F32, bias)
                    .value(rows, channels, relu(variant) ? 1 : 0, residual(variant) ? 1 : 0, training);
            keep(made, 0, 1, 2);
        }
    }
}
