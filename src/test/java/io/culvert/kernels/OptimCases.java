package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;
import static io.culvert.kernels.KernelCase.Type.I32;
import static io.culvert.kernels.KernelCase.Type.U8;

import io.culvert.kernels.KernelCase.Tolerance;
import java.util.ArrayList;
import java.util.Arrays;
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
        OptimCases of = new OptimCases(2061);
        for (int threads : new int[] {32, 64, 128, 256}) {
            of.larsNorms(threads, 0);
            of.larsNorms(threads, 1);
            of.lars(threads);
            of.clipNorms(threads);
            of.scale(threads);
            for (int count : new int[] {1, 31, 33, 300}) {
                clipFactors(all, count, 3, threads, 1, 0.5f, 0);
                clipFactors(all, count, 16, threads, 1, 0.5f, 1);
                clipFactors(all, count, 5, threads, 1, 1e3f, 1);
                // Norms and thresholds of the size of what is added to a norm.
                clipFactors(all, count, 2, threads, 1e-12, 1e-6f, 0);
                clipFactors(all, count, 4, threads, 1e-12, 1e-6f, 1);
            }
        }
        all.addAll(of.cases);
        guard(all);
        return all;
    }

    /** Each group has its own rate and decay; the third stays as it is. */
    private static final double[] RATES = F32.round(new double[] {0.25, 0.05, 0.5, 0.0, Double.NaN, 0.3, 0.125, 0.07});

    /** The groups of neighbouring chunks differ. */
    private static int group(int i) {
        return i / 16 * 3 % 4;
    }

    private double[] groups() {
        double[] groups = new double[(n + 15) / 16];
        for (int chunk = 0; chunk < groups.length; chunk++) {
            groups[chunk] = group(16 * chunk);
        }
        return groups;
    }

    private void sgd(int nesterov) {
        double[] newP = new double[n];
        double[] newM = new double[n];
        for (int i = 0; i < n; i++) {
            double lr = RATES[2 * group(i)];
            double d = g[i] + RATES[2 * group(i) + 1] * p[i];
            boolean still = Double.isNaN(lr);
            newM[i] = still ? m[i] : MOMENTUM * m[i] + d;
            newP[i] = still ? p[i] : p[i] - lr * (nesterov == 1 ? d + MOMENTUM * newM[i] : newM[i]);
        }
        cases.add(new KernelCase(MODULE, "sgd_f32").grid(2).block(64)
                .inout(F32, p, newP).inout(F32, m, newM).in(F32, g).in(F32, RATES).in(U8, groups())
                .value(n).value(MOMENTUM).value(nesterov));
    }

    /** A rate that is no number: everything stays. */
    private void cancelled() {
        cases.add(new KernelCase(MODULE, "sgd_f32").grid(2).block(64)
                .inout(F32, p, p).inout(F32, m, m).in(F32, g).in(F32, cancelled(8)).in(U8, groups())
                .value(n).value(MOMENTUM).value(0));
        cases.add(new KernelCase(MODULE, "adamw_f32").grid(2).block(64)
                .inout(F32, p, p).inout(F32, m, m).inout(F32, g, g).in(F32, g).in(F32, cancelled(12)).in(U8, groups())
                .value(n).value(MOMENTUM, MOMENTUM, 1, 1, 1));
    }

    /** Good rates but for the very first. */
    private static double[] cancelled(int count) {
        double[] rates = new double[count];
        Arrays.fill(rates, 1);
        rates[0] = Double.NaN;
        return rates;
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
        double[] all = F32.round(new double[] {
            0.02, 3.3, 0.995, 0.05, 2.3, 1.0, Double.NaN, 1.0, 0.5, 0.01, 4.5, 0.9,
        });
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
            double[] rates = Arrays.copyOfRange(all, 3 * group(i), 3 * group(i) + 3);
            if (Double.isNaN(rates[0])) {
                newP[i] = p[i];
                newM[i] = m[i];
                newV[i] = v[i];
                continue;
            }
            newM[i] = beta1 * m[i] + rest1 * g[i];
            newV[i] = beta2 * v[i] + rest2 * g[i] * g[i];
            newP[i] = p[i] * rates[2] - newM[i] * rates[0] / (Math.sqrt(newV[i]) * rates[1] + eps);
        }
        cases.add(new KernelCase(MODULE, "adamw_f32").grid(2).block(64)
                .inout(F32, p, newP).inout(F32, m, newM).inout(F32, v, newV).in(F32, g).in(F32, all).in(U8, groups())
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

    /** First element, length, group: aligned and not, several strides, an empty norm, a vector, one that stays as it is. */
    private static final int[][] SEGMENTS = {
        {0, 600, 0}, {602, 733, 2}, {1336, 37, 1}, {1400, 600, 0}, {2004, 16, 2}, {2020, 40, 3}
    };

    private static final double[] LARS_RATES =
            F32.round(new double[] {0.5, DECAY, 0.25, 0, 0.375, 0.125, Double.NaN, 0.1});

    private static final int PARTS = 2;
    private static final int ZEROS = 4;

    private static boolean vector(int segment) {
        return SEGMENTS[segment][2] % 2 == 1;
    }

    private static double decay(int segment) {
        return LARS_RATES[2 * SEGMENTS[segment][2] + 1];
    }

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

    private double[] segmentSquares(int apart) {
        double[] squares = new double[2 * SEGMENTS.length];
        for (int s = 0; s < SEGMENTS.length; s++) {
            for (int i = SEGMENTS[s][0]; i < SEGMENTS[s][0] + SEGMENTS[s][1]; i++) {
                squares[2 * s] += p[i] * p[i];
                double d = g[i] + (apart == 1 ? 0 : decay(s)) * p[i];
                squares[2 * s + 1] += d * d;
            }
        }
        return squares;
    }

    private void larsNorms(int threads, int apart) {
        clearOne();
        double[] want = segmentSquares(apart);
        for (int s = 0; s < SEGMENTS.length; s++) {
            if (vector(s)) {
                want[2 * s] = 0;
                want[2 * s + 1] = 0;
            }
        }
        cases.add(new KernelCase(MODULE, "lars_norms_f32").grid(PARTS, SEGMENTS.length, 1).block(threads)
                .out(F64, 2 * PARTS * SEGMENTS.length, OptimCases::sumParts, want, Tolerance.SINGLE)
                .in(F32, p).in(F32, g).in(F32, LARS_RATES).in(I32, table()).value(apart));
    }

    /** Adds up the parts; those of the vector, which the kernel leaves out, are bytes of ones: NaN. */
    private static double[] sumParts(double[] scratch) {
        double[] sums = new double[2 * SEGMENTS.length];
        for (int i = 0; i < scratch.length; i++) {
            boolean untouched = vector(i / 2 / PARTS) && Double.isNaN(scratch[i]);
            sums[i / 2 / PARTS * 2 + i % 2] += untouched ? 0 : scratch[i];
        }
        return sums;
    }

    private void lars(int threads) {
        clearOne();
        lars(threads, 0, LARS_RATES);
        lars(threads, 1, LARS_RATES);
        double[] none = LARS_RATES.clone();
        none[1] = 0;
        lars(threads, 1, none);
        lars(threads, 0, cancelled(8));
    }

    private void lars(int threads, int apart, double[] rates) {
        float trust = 0.02f;
        double[] squares = segmentSquares(apart);
        double[] scratch = new double[2 * PARTS * SEGMENTS.length];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = squares[i / 2 / PARTS * 2 + i % 2] * (i / 2 % PARTS == 0 ? 0.25 : 0.75);
        }
        double[] newP = p.clone();
        double[] newM = m.clone();
        for (int s = 0; s < SEGMENTS.length; s++) {
            double lr = rates[2 * SEGMENTS[s][2]];
            double decay = rates[2 * SEGMENTS[s][2] + 1];
            double value = Math.sqrt(squares[2 * s]);
            double gradient = Math.sqrt(squares[2 * s + 1]);
            boolean adapted = !vector(s) && value != 0 && gradient != 0 && (apart == 0 || decay != 0);
            double scale = adapted ? trust * value / (apart == 1 ? gradient + decay * value + 1e-8 : gradient) : 1;
            decay = apart == 1 && !adapted && !vector(s) ? 0 : decay;
            for (int i = SEGMENTS[s][0]; i < SEGMENTS[s][0] + SEGMENTS[s][1]; i++) {
                if (!Double.isNaN(lr) && !Double.isNaN(rates[0])) {
                    newM[i] = MOMENTUM * m[i] + (g[i] + decay * p[i]) * scale;
                    newP[i] = p[i] - lr * newM[i];
                }
            }
        }
        cases.add(new KernelCase(MODULE, "lars_f32").grid(PARTS, SEGMENTS.length, 1).block(threads)
                .inout(F32, p, newP).inout(F32, m, newM).in(F32, g).in(F32, rates).in(I32, table())
                .in(F64, scratch).value(MOMENTUM, trust).value(apart));
    }

    /** The table of the same segments, every third of which is spared. */
    private static double[] clipTable() {
        double[] table = table();
        for (int s = 0; s < SEGMENTS.length; s++) {
            table[3 * s + 2] = clipped(s) ? 1 : 0;
        }
        return table;
    }

    private static boolean clipped(int segment) {
        return segment % 3 != 2;
    }

    private void clipNorms(int threads) {
        double[] want = new double[SEGMENTS.length];
        for (int s = 0; s < SEGMENTS.length; s++) {
            for (int i = SEGMENTS[s][0]; clipped(s) && i < SEGMENTS[s][0] + SEGMENTS[s][1]; i++) {
                want[s] += g[i] * g[i];
            }
        }
        cases.add(new KernelCase(MODULE, "clip_norms_f32").grid(PARTS, SEGMENTS.length, 1).block(threads)
                .out(F64, PARTS * SEGMENTS.length, OptimCases::sumSquares, want, Tolerance.SINGLE)
                .in(F32, g).in(I32, clipTable()));
    }

    private static double[] sumSquares(double[] scratch) {
        double[] sums = new double[SEGMENTS.length];
        for (int i = 0; i < scratch.length; i++) {
            boolean untouched = !clipped(i / PARTS) && Double.isNaN(scratch[i]);
            sums[i / PARTS] += untouched ? 0 : scratch[i];
        }
        return sums;
    }

    /** So many segments that threads take several, norms below and above the threshold. */
    private static void clipFactors(
            List<KernelCase> all, int count, int parts, int threads, double size, float threshold, int global) {
        float mean = 0.25f;
        double[] table = new double[3 * count];
        double[] scratch = new double[parts * count];
        double[] squares = new double[count];
        double whole = 0;
        for (int s = 0; s < count; s++) {
            table[3 * s + 2] = clipped(s) ? 1 : 0;
            for (int i = 0; i < parts; i++) {
                // What is spared was left unwritten: a sum of anything there shows.
                scratch[parts * s + i] = clipped(s) ? (1 + (s * 7 + i) % 11) * size : Double.NaN;
                squares[s] += clipped(s) ? scratch[parts * s + i] : 0;
            }
            whole += squares[s];
        }
        whole = mean * Math.sqrt(whole);
        double[] want = new double[count];
        for (int s = 0; s < count; s++) {
            double norm = global == 1 ? whole : mean * Math.sqrt(squares[s]);
            want[s] = clipped(s) ? mean * Math.min(1, threshold / (norm + 1e-6)) : mean;
        }
        all.add(new KernelCase(MODULE, "clip_factors_f32").block(threads)
                .out(F32, want).out(F32, new double[] {whole}).in(F64, scratch).in(I32, table)
                .value(count, parts).value(mean, threshold).value(global));
    }

    private void scale(int threads) {
        double[] factors = F32.round(new double[] {0.5, 0.3, 1, 2, 1.7, 0});
        double[] want = g.clone();
        for (int s = 0; s < SEGMENTS.length; s++) {
            for (int i = SEGMENTS[s][0]; i < SEGMENTS[s][0] + SEGMENTS[s][1]; i++) {
                want[i] = g[i] * factors[s];
            }
        }
        cases.add(new KernelCase(MODULE, "scale_segments_f32").grid(PARTS, SEGMENTS.length, 1).block(threads)
                .inout(F32, g, want).in(I32, clipTable()).in(F32, factors));
    }
}
