package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.F32;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.reference.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The four kernels of NT-Xent (Chen et al. 2020, equation 1). */
final class NtXentCases {
    private static final Tolerance TOLERANCE = new Tolerance(4e-6, 4e-6);

    /** Rows, width, splits of the columns. */
    private static final int[][] SHAPES = {{4, 1, 1}, {6, 33, 2}, {66, 37, 2}, {130, 5, 1}, {34, 131, 3}, {198, 3, 2}, {20, 3, 1}, {44, 64, 1}, {58, 5, 1}};

    private final List<KernelCase> cases = new ArrayList<>();
    private final int rows;
    private final int width;
    private final int splits;
    private final float scale = 2.5f;
    private final double[] unit;

    private NtXentCases(int[] shape) {
        rows = shape[0];
        width = shape[1];
        splits = shape[2];
        unit = F32.round(Reference.l2Normalize(F32.normal(1, rows * width), width));
    }

    static List<KernelCase> all() {
        List<KernelCase> all = new ArrayList<>();
        for (int[] shape : SHAPES) {
            NtXentCases of = new NtXentCases(shape);
            of.forward();
            of.backward();
            all.addAll(of.cases);
        }
        for (int rows : new int[] {1, 33, 300}) {
            all.add(mean(rows));
            all.add(rows(rows, 1));
            all.add(rows(rows, 7));
        }
        return all;
    }

    private int pair(int row) {
        return (row + rows / 2) % rows;
    }

    private double similarity(int i, int k) {
        double sum = 0;
        for (int c = 0; c < width; c++) {
            sum += unit[i * width + c] * unit[k * width + c];
        }
        return scale * sum;
    }

    private void forward() {
        double[] scratch = new double[splits * rows * 3];
        for (int split = 0; split < splits; split++) {
            for (int row = 0; row < rows; row++) {
                double max = Double.NEGATIVE_INFINITY;
                double pair = Double.NEGATIVE_INFINITY;
                double sum = 0;
                for (int pass = 0; pass < 2; pass++) {
                    for (int k = 0; k < rows; k++) {
                        // Tiles of 64 columns go to the splits in turn.
                        if (k / 64 % splits != split || k == row) {
                            continue;
                        }
                        double s = similarity(row, k);
                        if (k == pair(row)) {
                            pair = s;
                        } else if (pass == 0) {
                            max = Math.max(max, s);
                        } else {
                            sum += Math.exp(s - max);
                        }
                    }
                }
                int at = (split * rows + row) * 3;
                scratch[at] = max;
                scratch[at + 1] = sum;
                scratch[at + 2] = pair;
            }
        }
        cases.add(new KernelCase("ntxent", "ntxent_forward_f32").grid((rows + 31) / 32, splits, 1)
                .out(F32, scratch, new Tolerance(4e-6, 1e-6)).in(F32, unit).value(rows, width).value(scale));
    }

    /** The second kernel: pairs that are unlikely, likely and nearly certain, in one of three splits. */
    private static KernelCase rows(int rows, int splits) {
        double[] scratch = F32.normal(1, splits * rows * 3);
        double[] loss = new double[rows];
        double[] lse = new double[rows];
        double[] gradient = new double[rows];
        for (int row = 0; row < rows; row++) {
            double others = 0;
            double pair = F32.round(row % 3 * 9.0);
            for (int split = 0; split < splits; split++) {
                int at = (split * rows + row) * 3;
                boolean empty = split == 1 && row % 2 == 0;
                scratch[at] = empty ? Double.NEGATIVE_INFINITY : scratch[at];
                scratch[at + 1] = empty ? 0 : Math.abs(scratch[at + 1]) + 1;
                scratch[at + 1] = F32.round(scratch[at + 1]);
                scratch[at + 2] = split == row % splits ? pair : Double.NEGATIVE_INFINITY;
                others += empty ? 0 : scratch[at + 1] * Math.exp(scratch[at]);
            }
            loss[row] = Math.log1p(others * Math.exp(-pair));
            lse[row] = Math.log(others + Math.exp(pair));
            gradient[row] = -others / (others + Math.exp(pair));
        }
        Tolerance relative = new Tolerance(4e-6, 1e-7);
        return new KernelCase("ntxent", "ntxent_rows_f32").grid(2).block(64)
                .out(F32, loss, relative).out(F32, lse, relative).out(F32, gradient, relative)
                .in(F32, scratch).value(splits, rows);
    }

    private static KernelCase mean(int rows) {
        double[] loss = F32.normal(2, rows);
        double[] mean = {Arrays.stream(loss).sum() / rows};
        return new KernelCase("ntxent", "ntxent_mean_f32").block(rows > 100 ? 256 : 128).out(F32, mean).in(F32, loss).value(rows);
    }

    private void backward() {
        double[] lse = F32.normal(3, rows);
        double[] pairGradient = F32.normal(4, rows);
        for (int i = 0; i < rows; i++) {
            lse[i] = F32.round(lse[i] + 2);
        }
        double[] dunit = new double[rows * width];
        for (int i = 0; i < rows; i++) {
            for (int k = 0; k < rows; k++) {
                if (k == i) {
                    continue;
                }
                double s = similarity(i, k);
                double g = k == pair(i)
                        ? pairGradient[i] + pairGradient[k]
                        : Math.exp(s - lse[i]) + Math.exp(s - lse[k]);
                for (int c = 0; c < width; c++) {
                    dunit[i * width + c] += g * unit[k * width + c] * scale / rows;
                }
            }
        }
        cases.add(new KernelCase("ntxent", "ntxent_backward_f32").grid((rows + 31) / 32, (width + 127) / 128, 1)
                .out(F32, dunit, TOLERANCE).in(F32, unit).in(F32, lse).in(F32, pairGradient)
                .value(rows, width).value(scale));
    }
}
