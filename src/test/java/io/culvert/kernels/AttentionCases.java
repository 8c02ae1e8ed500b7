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

    /**
     * Tokens, images, heads of an image, and whether they lie packed as a projection makes them: one token; part of a
     * tile; more than one tile of rows, and so many that each stage is used again; two images.
     */
    private static final int[][] SHAPES = {{1, 2, 1, 0}, {37, 1, 2, 1}, {67, 1, 1, 0}, {5, 2, 2, 1}};

    private static final int[] LONG = {131, 1, 1, 0};
    private static final int[] WHOLE = {64, 1, 1, 1};

    private final List<KernelCase> cases = new ArrayList<>();
    private final Type type;
    private final int d;
    private final int n;
    /** Of all images. */
    private final int heads;

    private final int headsOfImage;
    private final boolean packed;
    private final float scale;
    private final double[] q;
    private final double[] k;
    private final double[] v;
    private final double[] dy;

    private AttentionCases(Type type, int d, int[] shape) {
        this.type = type;
        this.d = d;
        n = shape[0];
        heads = shape[1] * shape[2];
        headsOfImage = shape[2];
        packed = shape[3] == 1;
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
            // Whole tiles, so that a bound that is off by one reads another.
            all.addAll(new AttentionCases(d % 64 == 0 ? BF16 : F32, d, WHOLE).every());
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

    /** Elements from one image, head and token to the next: packed, q, k and v of a token lie behind one another. */
    private int[] strides(boolean in) {
        int token = packed ? (in ? 3 : 1) * headsOfImage * d : d;
        return packed ? new int[] {n * token, d, token} : new int[] {headsOfImage * n * d, n * d, d};
    }

    /** [heads, n, d] laid out by strides, with zeros where nothing of this array lies. */
    private double[] laidOut(double[] x, boolean in) {
        int[] strides = strides(in);
        double[] to = new double[in && packed ? 3 * x.length : x.length];
        for (int i = 0; i < x.length; i++) {
            int head = i / (n * d);
            int at = head / headsOfImage * strides[0] + head % headsOfImage * strides[1] + i / d % n * strides[2];
            to[at + i % d] = x[i];
        }
        return to;
    }

    /** An output: what lies between its elements stays as it was. */
    private KernelCase out(KernelCase made, double[] want, boolean in, Tolerance tolerance) {
        double[] laid = laidOut(want, in);
        // Two thirds are zeros that do not count for the root mean square.
        Tolerance withZeros = new Tolerance(tolerance.relative(), tolerance.ofRms() * Math.sqrt(3));
        return in && packed
                ? made.inout(type, new double[laid.length], laid, withZeros)
                : made.out(type, laid, tolerance);
    }

    private KernelCase in(KernelCase made, double[] x, boolean in) {
        return made.in(type, laidOut(x, in));
    }

    private KernelCase sizes(KernelCase made) {
        return made.value(n, headsOfImage).value(strides(true)).value(strides(false)).value(scale);
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
        double[] y = Reference.attention(q, k, v, heads, n, d, scale);
        KernelCase made = out(kernel("forward", rows), y, false, type == F32 ? SINGLE : FORWARD_BF16);
        made.out(F32, logSum(), SINGLE);
        in(in(in(made, q, true), k, true), v, true);
        cases.add(sizes(made));
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
                .out(F32, rowProducts(dy, q), SINGLE).in(type, laidOut(dy, false)).in(type, laidOut(q, false))
                .value(heads * n, n, headsOfImage).value(strides(false)));
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
            // The softmax of one score is 1 whatever the score.
            double slope = n == 1 ? 0 : scale * softmax * (dp[i] - delta[row]);
            double ds = type == BF16 ? BF16.round(slope) : slope;
            for (int c = 0; c < d; c++) {
                dq[row * d + c] += ds * k[column * d + c];
                dk[column * d + c] += ds * q[row * d + c];
                dv[column * d + c] += p * dy[row * d + c];
            }
        }
        int rows = type == BF16 ? 64 : d == 128 ? 16 : 32;
        Tolerance tolerance = type == F32 ? SINGLE : BACKWARD_BF16;
        KernelCase query = out(kernel("backward_query", rows), dq, true, tolerance);
        KernelCase key = out(out(kernel("backward_key", rows), dk, true, tolerance), dv, true, tolerance);
        for (KernelCase made : List.of(query, key)) {
            in(in(in(in(made, dy, false), q, true), k, true), v, true).in(F32, lse).in(F32, delta);
            cases.add(sizes(made));
        }
    }
}
