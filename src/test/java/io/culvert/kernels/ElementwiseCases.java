package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Tolerance.EXACT;
import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.kernels.KernelCase.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.IntFunction;

/** Kernels that touch each element once, and sums over rows. */
final class ElementwiseCases {
    private static final int[] SIZES = {1, 31, 33, 1003};

    /** With one block of a warp: so many strides that every copy of an unrolled loop runs, and any number are left. */
    private static final int[] LONG = {600, 1000, 1303, 2101};

    private static final int[] LONG_MISALIGNED = {150, 250, 330};
    private static final int ALIGNED_SIZE = 72;

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        ElementwiseCases all = new ElementwiseCases();
        all.fillScaleCast();
        all.accumulate();
        for (Type type : List.of(F32, BF16)) {
            all.add(type);
            all.relu(type);
            all.gelu(type);
            all.bias(type);
            all.biasGelu(type);
        }
        return all.cases;
    }

    /** One launch a size that takes several strides, and each array misaligned in turn. */
    private void sizes(IntFunction<KernelCase> make) {
        for (int n : SIZES) {
            cases.add(make.apply(n).grid(2).block(64));
        }
        cases.addAll(make.apply(ALIGNED_SIZE).grid(1).block(32).misaligned());
        for (int n : LONG) {
            cases.add(make.apply(n).grid(1).block(32));
        }
        for (int n : LONG_MISALIGNED) {
            cases.add(make.apply(n).grid(1).block(32).misaligned().getFirst());
        }
    }

    private static double[] map(double[] a, double[] b, DoubleBinaryOperator f) {
        double[] c = new double[a.length];
        for (int i = 0; i < c.length; i++) {
            c[i] = f.applyAsDouble(a[i], b[i]);
        }
        return c;
    }

    private void fillScaleCast() {
        sizes(n -> {
            double[] want = new double[n];
            Arrays.fill(want, 0.75);
            return new KernelCase("elementwise", "fill_f32").out(F32, want, EXACT).value(0.75f).value(n);
        });
        sizes(n -> {
            double[] x = F32.normal(1, n);
            double[] want = F32.round(map(x, x, (a, b) -> a * 0.3f));
            return new KernelCase("elementwise", "scale_f32").out(F32, want, EXACT).in(F32, x).value(n).value(0.3f);
        });
        sizes(n -> {
            double[] x = F32.normal(1, n);
            return new KernelCase("elementwise", "cast_f32_to_bf16").out(BF16, BF16.round(x), EXACT).in(F32, x).value(n);
        });
        sizes(n -> {
            double[] x = BF16.normal(1, n);
            return new KernelCase("elementwise", "cast_bf16_to_f32").out(F32, x, EXACT).in(BF16, x).value(n);
        });
    }

    private void accumulate() {
        sizes(n -> {
            double[] sum = F32.normal(1, n);
            double[] part = BF16.normal(2, n);
            double[] want = map(sum, part, (x, y) -> (float) (x + y));
            return new KernelCase("elementwise", "accumulate_bf16").inout(F32, sum, want, EXACT).in(BF16, part).value(n);
        });
    }

    private void add(Type type) {
        sizes(n -> {
            double[] a = type.normal(1, n);
            double[] b = type.normal(2, n);
            double[] want = type.round(map(a, b, (x, y) -> (float) (x + y)));
            return new KernelCase("elementwise", "add_" + type.suffix()).out(type, want, EXACT).in(type, a).in(type, b).value(n);
        });
    }

    private void relu(Type type) {
        sizes(n -> {
            double[] x = type.normal(1, n);
            x[n / 2] = n > 1 ? Double.NaN : x[n / 2];
            double[] want = map(x, x, (a, b) -> a < 0 ? 0 : a);
            return new KernelCase("relu", "relu_forward_" + type.suffix()).out(type, want, EXACT).in(type, x).value(n);
        });
        sizes(n -> {
            double[] dy = type.normal(1, n);
            double[] y = map(type.normal(2, n), dy, (a, b) -> Math.max(0, a));
            double[] want = map(dy, y, (g, v) -> v > 0 ? g : 0);
            return new KernelCase("relu", "relu_backward_" + type.suffix())
                    .out(type, want, EXACT).in(type, dy).in(type, y).value(n);
        });
    }

    /** Values at which every branch of the kernel's erfc and exp is taken. */
    private static double[] wide(Type type, long seed, int n) {
        double[] x = type.normal(seed, n);
        for (int i = 0; i < n; i += 3) {
            x[i] = type.round(4 * x[i]);
        }
        return x;
    }

    /** The normal distribution by Simpson's rule over its density; beyond 6.5 it is 0 or 1 to ten digits. */
    private static double phi(double x) {
        int intervals = 400;
        double end = Math.max(-6.5, Math.min(6.5, x));
        double h = end / intervals;
        double sum = 0;
        for (int j = 0; j <= intervals; j++) {
            sum += (j == 0 || j == intervals ? 1 : j % 2 == 1 ? 4 : 2) * Math.exp(-0.5 * j * h * j * h);
        }
        return 0.5 + sum * h / 3 / Math.sqrt(2 * Math.PI);
    }

    private static double[] gelu(double[] x) {
        return map(x, x, (v, same) -> v * phi(v));
    }

    /** Phi(x) + x phi(x). */
    private static double[] geluSlope(double[] x) {
        double[] phi = map(x, x, (v, same) -> phi(v));
        return map(x, phi, (v, p) -> p + v * Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI));
    }

    private void gelu(Type type) {
        // Far to the left GELU is 0 times the value: what is small there is so beside the others, not in itself.
        Tolerance tolerance = new Tolerance(Tolerance.of(type).relative(), 2e-6);
        sizes(n -> {
            double[] x = wide(type, 1, n);
            return new KernelCase("gelu", "gelu_forward_" + type.suffix())
                    .out(type, gelu(x), tolerance).in(type, x).value(n);
        });
        sizes(n -> {
            double[] dy = type.normal(1, n);
            double[] x = wide(type, 2, n);
            return new KernelCase("gelu", "gelu_backward_" + type.suffix())
                    .out(type, map(dy, geluSlope(x), (g, s) -> g * s), tolerance).in(type, dy).in(type, x).value(n);
        });
    }

    /** Rows and widths: one group of columns, several, a partial tile, and widths of both accesses. */
    private static final int[][] MATRICES = {{1, 1}, {5, 3}, {33, 37}, {70, 8}, {90, 264}, {300, 16}, {70, 131}, {67, 32}, {32, 264}, {32, 131}};

    private static double[] column(double[] row, int rows) {
        double[] all = new double[row.length * rows];
        for (int i = 0; i < all.length; i++) {
            all[i] = row[i % row.length];
        }
        return all;
    }

    /** Sums over rows of a matrix of that width. */
    static double[] rowSums(double[] x, int width) {
        double[] sum = new double[width];
        for (int i = 0; i < x.length; i++) {
            sum[i % width] += x[i];
        }
        return sum;
    }

    private void bias(Type type) {
        for (int[] shape : MATRICES) {
            int rows = shape[0];
            int width = shape[1];
            int parts = width > 100 ? 1 : 2;
            double[] y = type.normal(1, rows * width);
            double[] bias = F32.normal(2, width);
            double[] want = type.round(map(y, column(bias, rows), (a, b) -> (float) (a + b)));
            KernelCase forward = new KernelCase("elementwise", "bias_forward_" + type.suffix())
                    .inout(type, y, want, EXACT).in(F32, bias).value(rows, width).grid(1, parts, 1);
            KernelCase backward = new KernelCase("elementwise", "bias_backward_partial_" + type.suffix())
                    .out(F64, parts * width, all -> rowSums(all, width), rowSums(y, width), Tolerance.SINGLE)
                    .in(type, y).value(rows, width).grid(1, parts, 1);
            cases.add(forward);
            cases.add(backward);
            if (width == 8) {
                cases.addAll(forward.misaligned());
                cases.addAll(backward.misaligned().subList(1, 2));
            }
            if (type == F32) {
                int count = width % 2 == 0 ? 32 : 75;
                double[] scratch = F64.normal(3, count * width);
                cases.add(new KernelCase("elementwise", "bias_backward_f32")
                        .inout(F32, bias, map(bias, rowSums(scratch, width), Double::sum)).in(F64, scratch)
                        .value(count, width).grid(2));
            }
        }
    }

    private void biasGelu(Type type) {
        Tolerance tolerance = new Tolerance(Tolerance.of(type).relative(), 4e-6);
        for (int[] shape : MATRICES) {
            int rows = shape[0];
            int width = shape[1];
            int parts = width > 100 ? 1 : 2;
            double[] x = wide(type, 1, rows * width);
            double[] bias = F32.normal(2, width);
            double[] dy = type.normal(3, rows * width);
            double[] sum = map(x, column(bias, rows), (a, b) -> (float) (a + b));
            double[] dx = map(dy, geluSlope(sum), (g, s) -> g * s);
            KernelCase forward = new KernelCase("gelu", "bias_gelu_forward_" + type.suffix())
                    .out(type, gelu(sum), tolerance).in(type, x).in(F32, bias).value(rows, width).grid(1, parts, 1);
            KernelCase backward = new KernelCase("gelu", "bias_gelu_backward_" + type.suffix())
                    .out(type, dx, tolerance)
                    .out(F64, parts * width, all -> rowSums(all, width), rowSums(dx, width), new Tolerance(4e-6, 4e-6))
                    .in(type, dy).in(type, x).in(F32, bias).value(rows, width).grid(1, parts, 1);
            cases.add(forward);
            cases.add(backward);
            if (width == 8) {
                cases.addAll(forward.misaligned());
                List<KernelCase> shifted = backward.misaligned();
                // The scratch is double and never read as a vector.
                shifted.remove(1);
                cases.addAll(shifted);
            }
        }
    }
}
