package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.kernels.KernelCase.Type;
import io.culvert.reference.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Kernels that work row by row: softmax, rows of unit and of given length, layer normalisation. */
final class RowCases {
    /** Rows, width, threads along a row, rows of a block, blocks: a warp to a row, and a block to a row. */
    private static final int[][] TEAMS = {
        {1, 1, 32, 8, 1},
        {3, 2, 32, 8, 1},
        {19, 37, 32, 8, 2},
        {11, 33, 32, 2, 2},
        {5, 1000, 32, 8, 1},
        {7, 131, 64, 1, 2},
        {5, 520, 256, 1, 2},
        {3, 2049, 256, 1, 1},
        {4, 8, 256, 1, 1},
        {5, 521, 128, 1, 1},
        {2, 2000, 32, 8, 1},
        {4, 24, 32, 4, 1}
    };

    private static final int MISALIGN_AT_WIDTH = 24;
    private static final float EPS = 1e-6f;

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        RowCases all = new RowCases();
        for (Type type : List.of(F32, BF16)) {
            for (int[] shape : TEAMS) {
                all.softmax(type, shape);
                all.unit(type, shape);
                all.weightNorm(type, shape);
                all.layerNorm(type, shape);
            }
            all.layerNormBackward(type);
        }
        for (int[] shape : TEAMS) {
            all.weightNormBackward(shape);
        }
        all.layerNormParameters();
        return all.cases;
    }

    private void add(KernelCase made, int[] shape) {
        made.value(shape[0], shape[1]).grid(shape[4]).block(shape[2], shape[3]);
    }

    private void keep(KernelCase made, int[] shape) {
        cases.add(made);
        if (shape[1] == MISALIGN_AT_WIDTH) {
            cases.addAll(made.misaligned());
        }
    }

    private void softmax(Type type, int[] shape) {
        int count = shape[0] * shape[1];
        double[] x = type.normal(1, count);
        double[] y = Reference.softmax(x, shape[1]);
        KernelCase forward = new KernelCase("softmax", "softmax_forward_" + type.suffix()).out(type, y).in(type, x);
        add(forward, shape);
        keep(forward, shape);
        double[] dy = type.normal(2, count);
        double[] rounded = type.round(y);
        double[] dx = new double[count];
        for (int at = 0; at < count; at += shape[1]) {
            double along = 0;
            for (int i = at; i < at + shape[1]; i++) {
                along += dy[i] * rounded[i];
            }
            for (int i = at; i < at + shape[1]; i++) {
                dx[i] = rounded[i] * (dy[i] - along);
            }
        }
        KernelCase backward = new KernelCase("softmax", "softmax_backward_" + type.suffix())
                .out(type, dx).in(type, dy).in(type, rounded);
        add(backward, shape);
        keep(backward, shape);
    }

    private void unit(Type type, int[] shape) {
        int count = shape[0] * shape[1];
        double[] x = type.normal(1, count);
        if (shape[0] > 3) {
            // A row of zeros, whose length is held to be 1e-12.
            Arrays.fill(x, shape[1], 2 * shape[1], 0);
        }
        double[] y = type.round(Reference.l2Normalize(x, shape[1]));
        KernelCase forward = new KernelCase("l2normalize", "l2normalize_forward_" + type.suffix())
                .out(type, Reference.l2Normalize(x, shape[1])).in(type, x);
        add(forward, shape);
        keep(forward, shape);
        double[] dy = type.normal(2, count);
        double[] dx = new double[count];
        for (int at = 0; at < count; at += shape[1]) {
            double squares = 0;
            double along = 0;
            for (int i = at; i < at + shape[1]; i++) {
                squares += x[i] * x[i];
                along += y[i] * dy[i];
            }
            double length = Math.sqrt(squares);
            for (int i = at; i < at + shape[1]; i++) {
                dx[i] = length > 1e-12 ? (dy[i] - along * y[i]) / length : dy[i] / 1e-12;
            }
        }
        KernelCase backward = new KernelCase("l2normalize", "l2normalize_backward_" + type.suffix())
                .out(type, dx).in(type, dy).in(type, x).in(type, y);
        add(backward, shape);
        keep(backward, shape);
    }

    private void weightNorm(Type type, int[] shape) {
        double[] v = F32.normal(1, shape[0] * shape[1]);
        double[] g = F32.normal(2, shape[0]);
        KernelCase forward = new KernelCase("weightnorm", "weight_norm_forward_" + type.suffix())
                .out(type, Reference.weightNorm(v, g)).in(F32, v).in(F32, g);
        add(forward, shape);
        keep(forward, shape);
    }

    private void weightNormBackward(int[] shape) {
        int width = shape[1];
        double[] v = F32.normal(1, shape[0] * width);
        double[] g = F32.normal(2, shape[0]);
        double[] dw = F32.normal(3, v.length);
        double[] dv = F32.normal(4, v.length);
        double[] dg = F32.normal(5, shape[0]);
        double[] newDv = dv.clone();
        double[] newDg = dg.clone();
        for (int row = 0; row < g.length; row++) {
            double squares = 0;
            double along = 0;
            for (int i = row * width; i < (row + 1) * width; i++) {
                squares += v[i] * v[i];
                along += v[i] * dw[i];
            }
            newDg[row] += along / Math.sqrt(squares);
            for (int i = row * width; i < (row + 1) * width; i++) {
                newDv[i] += g[row] / Math.sqrt(squares) * (dw[i] - v[i] * along / squares);
            }
        }
        KernelCase trained = new KernelCase("weightnorm", "weight_norm_backward_f32")
                .inout(F32, dv, newDv).inout(F32, dg, newDg).in(F32, dw).in(F32, v).in(F32, g);
        add(trained, shape);
        keep(trained, shape);
        KernelCase fixed = new KernelCase("weightnorm", "weight_norm_backward_f32")
                .inout(F32, dv, newDv).none().in(F32, dw).in(F32, v).in(F32, g);
        add(fixed, shape);
        keep(fixed, shape);
    }

    /** mean and 1 / sqrt(var + eps) of each row. */
    private static double[][] moments(double[] x, int width) {
        int rows = x.length / width;
        double[][] moments = new double[2][rows];
        for (int row = 0; row < rows; row++) {
            double mean = 0;
            for (int i = row * width; i < (row + 1) * width; i++) {
                mean += x[i] / width;
            }
            double variance = 0;
            for (int i = row * width; i < (row + 1) * width; i++) {
                variance += (x[i] - mean) * (x[i] - mean) / width;
            }
            moments[0][row] = mean;
            moments[1][row] = 1 / Math.sqrt(variance + EPS);
        }
        return moments;
    }

    private void layerNorm(Type type, int[] shape) {
        int rows = shape[0];
        int width = shape[1];
        double[] x = type.normal(1, rows * width);
        double[] weight = F32.normal(2, width);
        double[] bias = F32.normal(3, width);
        double[][] moments = moments(x, width);
        KernelCase forward = new KernelCase("layernorm", "layernorm_forward_" + type.suffix())
                .out(type, Reference.layerNorm(x, width, weight, bias, EPS))
                .out(F32, moments[0]).out(F32, moments[1]).in(type, x).in(F32, weight).in(F32, bias);
        add(forward, shape);
        keep(forward.value(EPS), shape);
    }

    private void layerNormBackward(Type type) {
        // Rows, width, threads (8 columns each), parts.
        int[][] shapes = {{1, 1, 32, 1}, {7, 24, 32, 2}, {5, 37, 32, 3}, {9, 197, 32, 2}, {4, 264, 64, 2}, {6, 510, 64, 4}};
        for (int[] shape : shapes) {
            int rows = shape[0];
            int width = shape[1];
            double[] x = type.normal(1, rows * width);
            double[] dy = type.normal(2, rows * width);
            double[] weight = F32.normal(3, width);
            double[][] moments = moments(x, width);
            double[] mean = F32.round(moments[0]);
            double[] rstd = F32.round(moments[1]);
            double[] dx = new double[rows * width];
            double[] sums = new double[2 * width];
            for (int row = 0; row < rows; row++) {
                double g = 0;
                double along = 0;
                for (int c = 0; c < width; c++) {
                    int i = row * width + c;
                    double xhat = (x[i] - mean[row]) * rstd[row];
                    g += weight[c] * dy[i] / width;
                    along += weight[c] * dy[i] * xhat / width;
                    sums[c] += dy[i] * xhat;
                    sums[width + c] += dy[i];
                }
                for (int c = 0; c < width; c++) {
                    int i = row * width + c;
                    dx[i] = rstd[row] * (weight[c] * dy[i] - g - (x[i] - mean[row]) * rstd[row] * along);
                }
            }
            Tolerance tolerance = width == 1 ? new Tolerance(0, 0) : Tolerance.of(type);
            KernelCase backward = new KernelCase("layernorm", "layernorm_backward_" + type.suffix())
                    .out(type, dx, tolerance)
                    .out(F32, 2 * width * shape[3], p -> ElementwiseCases.rowSums(p, 2 * width), sums, Tolerance.SINGLE)
                    .in(type, dy).in(type, x).none().in(F32, weight).in(F32, mean).in(F32, rstd)
                    .value(rows, width).grid(shape[3]).block(shape[2]);
            keep(backward, new int[] {rows, width});
            double[] other = type.normal(4, rows * width);
            double[] both = new double[rows * width];
            Arrays.setAll(both, i -> dx[i] + other[i]);
            KernelCase added = new KernelCase("layernorm", "layernorm_backward_" + type.suffix())
                    .out(type, both, Tolerance.of(type))
                    .out(F32, 2 * width * shape[3], p -> ElementwiseCases.rowSums(p, 2 * width), sums, Tolerance.SINGLE)
                    .in(type, dy).in(type, x).in(type, other).in(F32, weight).in(F32, mean).in(F32, rstd)
                    .value(rows, width).grid(shape[3]).block(shape[2]);
            keep(added, new int[] {rows, width});
        }
    }

    private void layerNormParameters() {
        for (int width : new int[] {1, 31, 70}) {
            int count = width % 2 == 0 ? 32 : 75;
            double[] parts = F32.normal(1, count * 2 * width);
            double[] sums = ElementwiseCases.rowSums(parts, 2 * width);
            double[] weight = F32.normal(2, width);
            double[] bias = F32.normal(3, width);
            double[] newWeight = new double[width];
            double[] newBias = new double[width];
            for (int c = 0; c < width; c++) {
                newWeight[c] = weight[c] + sums[c];
                newBias[c] = bias[c] + sums[width + c];
            }
            cases.add(new KernelCase("layernorm", "layernorm_backward_parameters_f32")
                    .inout(F32, weight, newWeight).inout(F32, bias, newBias).in(F32, parts).value(count, width).grid(2));
        }
    }
}
