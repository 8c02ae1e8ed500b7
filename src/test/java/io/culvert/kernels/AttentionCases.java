package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.kernels.KernelCase.Type;
import io.culvert.reference.Reference;
import java.util.ArrayList;
import java.util.List;

/** Attention in both types, at every width of a head. */
final class AttentionCases {
    /** The softmax is rounded to bf16 inside, by one maximum after the other, before the second product. */
    private static final Tolerance FORWARD_BF16 = new Tolerance(1.01 / 256, 1e-2);

    /** The twin rounds what the kernel rounds inside; a few of those fall on the other side. */
    private static final Tolerance BACKWARD_BF16 = new Tolerance(1.01 / 256, 2e-3);

    private static final Tolerance SINGLE = new Tolerance(4e-6, 4e-6);

    /** Tokens and heads: part of a tile, more than one tile of rows, and enough tiles that each stage is used again. */
    private static final int[][] SHAPES = {{1, 1}, {37, 2}, {67, 1}};

    private static final int[] LONG = {131, 1};

    private final List<KernelCase> cases = new ArrayList<>();
    private final Type type;
    private final int d;
    private final int n;
    private final int heads;
    private final float scale;
    private final double[] q;
    private final double[] k;
    private final double[] v;
    private final double[] dy;

    private AttentionCases(Type type, int d, int[] shape) {
        this.type = type;
        this.d = d;
        n = shape[0];
        heads = shape[1];
        scale = (float) (1 / Math.sqrt(d));
        q = type.normal(1, heads * n * d);
        k = type.normal(2, heads * n * d);
        v = type.normal(3, heads * n * d);
        dy = type.normal(4, heads * n * d);
    }

    static List<KernelCase> all() {
        List<KernelCase> all = new ArrayList<>();
        for (int d : new int[] {16, 32, 64, 128}) {
            for (Type type : List.of(F32, BF16)) {
                for (int[] shape : SHAPES) {
                    all.addAll(new AttentionCases(type, d, shape).every());
                }
            }
            // Only here do the two stages of a pair of tiles take turns more than once in each kernel.
            AttentionCases turns = new AttentionCases(BF16, d, LONG);
            turns.forward();
            all.addAll(turns.cases);
        }
        return all;
    }

    private List<KernelCase> every() {
        forward();
        delta();
        backward();
        return cases;
    }

    private KernelCase kernel(String what, int rows) {
        return new KernelCase("attention_d" + d, "attention_%s_%s_d%d".formatted(what, type.suffix(), d))
                .grid((n + rows - 1) / rows, heads, 1).block(128);
    }

    private double[] scores(double[] a, double[] b) {
        double[] s = new double[heads * n * n];
        for (int i = 0; i < s.length; i++) {
            int head = i / (n * n);
            for (int c = 0; c < d; c++) {
                s[i] += a[(head * n + i / n % n) * d + c] * b[(head * n + i % n) * d + c];
            }
        }
        return s;
    }

    private double[] logSum() {
        double[] s = scores(q, k);
        double[] lse = new double[heads * n];
        for (int row = 0; row < lse.length; row++) {
            for (int j = 0; j < n; j++) {
                lse[row] += Math.exp(scale * s[row * n + j]);
            }
            lse[row] = Math.log(lse[row]);
        }
        return lse;
    }

    private void forward() {
        int rows = type == F32 && d == 128 ? 32 : 64;
        cases.add(kernel("forward", rows)
                .out(type, Reference.attention(q, k, v, heads, n, d, scale), type == F32 ? SINGLE : FORWARD_BF16)
                .out(F32, logSum(), SINGLE)
                .in(type, q).in(type, k).in(type, v).value(n).value(scale));
    }

    private double[] rowProducts(double[] a, double[] b) {
        double[] sum = new double[heads * n];
        for (int i = 0; i < a.length; i++) {
            sum[i / d] += a[i] * b[i];
        }
        return sum;
    }

    private void delta() {
        cases.add(new KernelCase("attention_d" + d, "attention_delta_%s_d%d".formatted(type.suffix(), d))
                .grid(2).block(32, 8)
                .out(F32, rowProducts(dy, q), SINGLE).in(type, dy).in(type, q).value(heads * n));
    }

    private void backward() {
        double[] lse = F32.round(logSum());
        double[] delta = F32.round(rowProducts(dy, type.round(Reference.attention(q, k, v, heads, n, d, scale))));
        double[] s = scores(q, k);
        double[] dp = scores(dy, v);
        double[] dq = new double[q.length];
        double[] dk = new double[q.length];
        double[] dv = new double[q.length];
        for (int i = 0; i < s.length; i++) {
            int row = i / n;
            int column = i / (n * n) * n + i % n;
            double softmax = Math.exp(scale * s[i] - lse[row]);
            double p = type == BF16 ? BF16.round(softmax) : softmax;
            double slope = scale * softmax * (dp[i] - delta[row]);
            double ds = type == BF16 ? BF16.round(slope) : slope;
            for (int c = 0; c < d; c++) {
                dq[row * d + c] += ds * k[column * d + c];
                dk[column * d + c] += ds * q[row * d + c];
                dv[column * d + c] += p * dy[row * d + c];
            }
        }
        int rows = type == BF16 ? 64 : d == 128 ? 16 : 32;
        // The softmax of one score is 1: what is left of dq and dk is rounding, of which the twin has another.
        Tolerance tolerance = type == F32 ? SINGLE : BACKWARD_BF16;
        Tolerance gradient = n == 1 ? new Tolerance(0, 1e3) : tolerance;
        cases.add(kernel("backward_query", rows).out(type, dq, gradient)
                .in(type, dy).in(type, q).in(type, k).in(type, v).in(F32, lse).in(F32, delta).value(n).value(scale));
        cases.add(kernel("backward_key", rows).out(type, dk, gradient).out(type, dv, tolerance)
                .in(type, dy).in(type, q).in(type, k).in(type, v).in(F32, lse).in(F32, delta).value(n).value(scale));
    }
}
