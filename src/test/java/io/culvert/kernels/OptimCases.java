package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;
import static io.culvert.kernels.KernelCase.Type.I32;

import io.culvert.kernels.KernelCase.Tolerance;
import java.util.ArrayList;
import java.util.List;

/** The optimisers and the moving average of a teacher. */
final class OptimCases {
    private static final String MODULE = "optim";
    private static final float MOMENTUM = 0.9f;
    private static final float DECAY = 0.05f;

    private final List<KernelCase> cases = new ArrayList<>();
    private final int n;
    private final double[] p;
    private final double[] m;
    private final double[] g;

    private OptimCases(int n) {
        this.n = n;
        p = F32.normal(1, n);
        m = F32.normal(2, n);
        g = F32.normal(3, n);
    }

    static List<KernelCase> all() {
        List<KernelCase> all = new ArrayList<>();
        for (int n : new int[] {1, 31, 33, 1003, 600, 1000, 1303, 2101, 72, 150, 250, 330}) {
            OptimCases of = new OptimCases(n);
            of.sgd(0);
            of.sgd(1);
            of.adamw();
            of.ema();
            of.squares();
            of.cancelled();
            if (n >= 600 && n != 1003) {
                // So many strides that every copy of an unrolled loop runs.
                of.cases.forEach(made -> made.grid(1).block(32));
            }
            all.addAll(n == 150 || n == 250 || n == 330 ? List.of() : of.cases);
            if (n == 150 || n == 250 || n == 330) {
                of.cases.forEach(made -> all.add(made.grid(1).block(32).misaligned().getFirst()));
            }
            if (n == 72) {
                of.cases.forEach(made -> all.addAll(made.misaligned()));
            }
        }
        for (int n : new int[] {33, 2101, 10_000}) {
            for (int threads : new int[] {32, 64, 128, 256}) {
                OptimCases of = new OptimCases(n);
                of.squares();
                of.cases.forEach(made -> all.add(made.block(threads)));
            }
        }
        OptimCases of = new OptimCases(2021);
        for (int threads : new int[] {32, 64, 128, 256}) {
            of.larsNorms(threads);
            of.lars(threads);
        }
        all.addAll(of.cases);
        guard(all);
        return all;
    }

    private void sgd(int nesterov) {
        float lr = 0.25f;
        double[] newP = new double[n];
        double[] newM = new double[n];
        for (int i = 0; i < n; i++) {
            double d = g[i] + DECAY * p[i];
            newM[i] = MOMENTUM * m[i] + d;
            newP[i] = p[i] - lr * (nesterov == 1 ? d + MOMENTUM * newM[i] : newM[i]);
        }
        cases.add(new KernelCase(MODULE, "sgd_f32").grid(2).block(64)
                .inout(F32, p, newP).inout(F32, m, newM).in(F32, g).in(F32, lr)
                .value(n).value(MOMENTUM, DECAY).value(nesterov));
    }

    /** A rate that is no number: everything stays. */
    private void cancelled() {
        cases.add(new KernelCase(MODULE, "sgd_f32").grid(2).block(64)
                .inout(F32, p, p).inout(F32, m, m).in(F32, g).in(F32, Double.NaN)
                .value(n).value(MOMENTUM, DECAY).value(0));
        cases.add(new KernelCase(MODULE, "adamw_f32").grid(2).block(64)
                .inout(F32, p, p).inout(F32, m, m).inout(F32, g, g).in(F32, g).in(F32, Double.NaN, 1, 1)
                .value(n).value(MOMENTUM, MOMENTUM, 1, 1, 1));
    }

    /** One where the first rate was cancelled. */
    private static double[] isCancelled(double[] rates) {
        return new double[] {Double.isNaN(rates[0]) ? 1 : 0, rates[1]};
    }

    private static void guard(List<KernelCase> all) {
        for (double loss : new double[] {0, 2.5, Float.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            double[] want = {Double.isFinite(loss) ? 0 : 1, 3};
            all.add(new KernelCase(MODULE, "guard_f32")
                    .inout(F32, new double[] {0.1, 3}, OptimCases::isCancelled, want).in(F32, loss));
        }
    }

    private void adamw() {
        double[] rates = F32.round(new double[] {0.02, 3.3, 0.995});
        float beta1 = 0.9f;
        float beta2 = 0.999f;
        float rest1 = 0.1f;
        float rest2 = 0.001f;
        float eps = 1e-2f;
        double[] v = F32.normal(4, n);
        double[] newP = new double[n];
        double[] newM = new double[n];
        double[] newV = new double[n];
        for (int i = 0; i < n; i++) {
            v[i] = Math.abs(v[i]);
            newM[i] = beta1 * m[i] + rest1 * g[i];
            newV[i] = beta2 * v[i] + rest2 * g[i] * g[i];
            newP[i] = p[i] * rates[2] - newM[i] * rates[0] / (Math.sqrt(newV[i]) * rates[1] + eps);
        }
        cases.add(new KernelCase(MODULE, "adamw_f32").grid(2).block(64)
                .inout(F32, p, newP).inout(F32, m, newM).inout(F32, v, newV).in(F32, g).in(F32, rates)
                .value(n).value(beta1, beta2, rest1, rest2, eps));
    }

    private void ema() {
        double tau = F32.round(0.96);
        double[] teacher = new double[n];
        for (int i = 0; i < n; i++) {
            teacher[i] = tau * p[i] + (1 - tau) * g[i];
        }
        cases.add(new KernelCase(MODULE, "ema_f32").grid(2).block(64)
                .inout(F32, p, teacher).in(F32, g).in(F32, tau).value(n));
    }

    /** Squares of the gradients, of what the values were before, and of how far they moved; summed over the blocks. */
    private void squares() {
        double[] want = new double[3];
        for (int i = 0; i < n; i++) {
            want[0] += g[i] * g[i];
            want[1] += m[i] * m[i];
            want[2] += (p[i] - m[i]) * (p[i] - m[i]);
        }
        cases.add(new KernelCase(MODULE, "slab_squares_f32").grid(PARTS).block(64)
                .out(F64, 3 * PARTS, OptimCases::foldSquares, want, Tolerance.SINGLE)
                .in(F32, p).in(F32, m).in(F32, g).value(n));
    }

    /** Adds up the blocks; one that was not launched leaves bytes of ones: NaN. */
    private static double[] foldSquares(double[] parts) {
        double[] sums = new double[3];
        for (int i = 0; i < parts.length; i++) {
            sums[i % 3] += Double.isNaN(parts[i]) ? 0 : parts[i];
        }
        return sums;
    }

    /** First element, length, adapted: aligned and not, several strides, an empty norm, a vector. */
    private static final int[][] SEGMENTS = {{0, 600, 1}, {602, 733, 1}, {1336, 37, 0}, {1400, 600, 1}, {2004, 16, 1}};

    private static final int PARTS = 2;
    private static final int ZEROS = 4;

    private static double[] table() {
        double[] table = new double[3 * SEGMENTS.length];
        for (int i = 0; i < table.length; i++) {
            table[i] = SEGMENTS[i / 3][i % 3];
        }
        return table;
    }

    private void clearOne() {
        for (int i = SEGMENTS[ZEROS][0]; i < SEGMENTS[ZEROS][0] + SEGMENTS[ZEROS][1]; i++) {
            p[i] = 0;
        }
    }

    private double[] segmentSquares() {
        double[] squares = new double[2 * SEGMENTS.length];
        for (int s = 0; s < SEGMENTS.length; s++) {
            for (int i = SEGMENTS[s][0]; i < SEGMENTS[s][0] + SEGMENTS[s][1]; i++) {
                squares[2 * s] += p[i] * p[i];
                squares[2 * s + 1] += (g[i] + DECAY * p[i]) * (g[i] + DECAY * p[i]);
            }
        }
        return squares;
    }

    private void larsNorms(int threads) {
        clearOne();
        double[] want = segmentSquares();
        want[4] = 0;
        want[5] = 0;
        cases.add(new KernelCase(MODULE, "lars_norms_f32").grid(PARTS, SEGMENTS.length, 1).block(threads)
                .out(F64, 2 * PARTS * SEGMENTS.length, OptimCases::sumParts, want, Tolerance.SINGLE)
                .in(F32, p).in(F32, g).in(I32, table()).value(DECAY));
    }

    /** Adds up the parts; those of the vector, which the kernel leaves out, are bytes of ones: NaN. */
    private static double[] sumParts(double[] scratch) {
        double[] sums = new double[2 * SEGMENTS.length];
        for (int i = 0; i < scratch.length; i++) {
            boolean untouched = SEGMENTS[i / 2 / PARTS][2] == 0 && Double.isNaN(scratch[i]);
            sums[i / 2 / PARTS * 2 + i % 2] += untouched ? 0 : scratch[i];
        }
        return sums;
    }

    private void lars(int threads) {
        clearOne();
        lars(threads, 0.5f);
        lars(threads, Float.NaN);
    }

    private void lars(int threads, float lr) {
        float trust = 0.02f;
        double[] squares = segmentSquares();
        double[] scratch = new double[2 * PARTS * SEGMENTS.length];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = squares[i / 2 / PARTS * 2 + i % 2] * (i / 2 % PARTS == 0 ? 0.25 : 0.75);
        }
        double[] newP = p.clone();
        double[] newM = m.clone();
        for (int s = 0; s < SEGMENTS.length; s++) {
            boolean adapted = SEGMENTS[s][2] == 1;
            double decay = adapted ? DECAY : 0;
            boolean zero = squares[2 * s] == 0 || squares[2 * s + 1] == 0;
            double scale = adapted && !zero ? trust * Math.sqrt(squares[2 * s] / squares[2 * s + 1]) : 1;
            for (int i = SEGMENTS[s][0]; i < SEGMENTS[s][0] + SEGMENTS[s][1]; i++) {
                if (!Float.isNaN(lr)) {
                    newM[i] = MOMENTUM * m[i] + (g[i] + decay * p[i]) * scale;
                    newP[i] = p[i] - lr * newM[i];
                }
            }
        }
        cases.add(new KernelCase(MODULE, "lars_f32").grid(PARTS, SEGMENTS.length, 1).block(threads)
                .inout(F32, p, newP).inout(F32, m, newM).in(F32, g).in(F32, lr).in(I32, table())
                .in(F64, scratch).value(MOMENTUM, DECAY, trust));
    }
}
