package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.kernels.KernelCase.Type;
import io.culvert.reference.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Attention of class tokens. */
final class ClassAttentionCases {
    /** So many tokens that the last one is the last lane's of a warp; its score is far greater than all others. */
    private static final int PEAKED = 64;

    /**
     * Tokens, images, heads, width: one token; one column; elements one by one, in more than one tile of columns; whole vectors,
     * in one and in more than one tile; more tokens than threads.
     */
    private static final int[][] SHAPES = {
        {1, 2, 1, 4}, {5, 1, 2, 1}, {19, 2, 3, 37}, {13, 2, 2, 24}, {11, 1, 2, 264}, {300, 1, 1, 8}, {PEAKED, 1, 1, 7}, {PEAKED, 1, 1, 8}
    };

    private static final int MISALIGN_AT_WIDTH = 24;
    private static final float SCALE = 0.25f;
    /** Softmax by expf, and its sums. */
    private static final Tolerance SINGLE = new Tolerance(4e-6, 4e-6);

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        ClassAttentionCases all = new ClassAttentionCases();
        for (Type type : List.of(F32, BF16)) {
            for (int[] shape : SHAPES) {
                all.add(type, shape);
            }
        }
        return all.cases;
    }

    private void keep(KernelCase made, int width) {
        cases.add(made);
        if (width == MISALIGN_AT_WIDTH) {
            cases.addAll(made.misaligned());
        }
    }

    private void add(Type type, int[] shape) {
        int tokens = shape[0];
        int queries = shape[1] * shape[2];
        int heads = shape[2];
        int width = shape[3];
        Tolerance tolerance = type == F32 ? SINGLE : Tolerance.STORED_BF16;
        double[] f = type.normal(1, queries * width);
        double[] dz = type.normal(2, queries * width);
        double[] x = type.normal(3, shape[1] * tokens * width);
        if (tokens == PEAKED) {
            // Exact, and so far apart that the softmax overflows if another maximum is found.
            Arrays.setAll(f, i -> 64 * (Math.rint(f[i]) + 0.5));
            Arrays.setAll(x, i -> i / width == tokens - 1 ? 4 * Math.signum(f[i % width]) : Math.rint(x[i]));
        }
        double[] scores = scores(f, x, shape);
        for (int i = 0; i < scores.length; i++) {
            scores[i] *= SCALE;
        }
        double[] p = Reference.softmax(scores, tokens);
        keep(kernel("forward", type).grid(queries).block(256)
                .out(type, pool(p, x, shape), tolerance).out(F32, p, SINGLE)
                .in(type, f).in(type, x).value(tokens, heads, width).value(SCALE), width);

        double[] rounded = F32.round(p);
        double[] ds = scores(dz, x, shape);
        for (int head = 0; head < queries; head++) {
            double mean = 0;
            for (int j = head * tokens; j < (head + 1) * tokens; j++) {
                mean += rounded[j] * ds[j];
            }
            for (int j = head * tokens; j < (head + 1) * tokens; j++) {
                ds[j] = tokens == 1 ? 0 : SCALE * rounded[j] * (ds[j] - mean);
            }
        }
        keep(kernel("backward_query", type).grid(queries).block(256)
                .out(type, pool(ds, x, shape), tolerance).out(F32, ds, SINGLE)
                .in(type, dz).in(type, x).in(F32, rounded).value(tokens, heads, width).value(SCALE), width);

        double[] slopes = F32.round(ds);
        double[] dx = new double[x.length];
        for (int i = 0; i < dx.length; i++) {
            int token = i / width;
            for (int head = token / tokens * heads; head < (token / tokens + 1) * heads; head++) {
                int at = head * tokens + token % tokens;
                dx[i] += rounded[at] * dz[head * width + i % width] + slopes[at] * f[head * width + i % width];
            }
        }
        keep(kernel("backward_tokens", type).grid(2).block(32, 8)
                .out(type, dx, tolerance)
                .in(type, dz).in(type, f).in(F32, rounded).in(F32, slopes)
                .value(shape[1] * tokens, tokens, heads, width), width);
    }

    private static KernelCase kernel(String what, Type type) {
        return new KernelCase("classattention", "classattention_" + what + "_" + type.suffix());
    }

    /** Of each query and token of its image. */
    private static double[] scores(double[] queries, double[] x, int[] shape) {
        int tokens = shape[0];
        int width = shape[3];
        double[] scores = new double[shape[1] * shape[2] * tokens];
        for (int i = 0; i < scores.length; i++) {
            int head = i / tokens;
            int token = head / shape[2] * tokens + i % tokens;
            for (int c = 0; c < width; c++) {
                scores[i] += queries[head * width + c] * x[token * width + c];
            }
        }
        return scores;
    }

    /** The sum of an image's tokens, with a factor each. */
    private static double[] pool(double[] factors, double[] x, int[] shape) {
        int tokens = shape[0];
        int width = shape[3];
        double[] sums = new double[shape[1] * shape[2] * width];
        for (int i = 0; i < factors.length; i++) {
            int head = i / tokens;
            int token = head / shape[2] * tokens + i % tokens;
            for (int c = 0; c < width; c++) {
                sums[head * width + c] += factors[i] * x[token * width + c];
            }
        }
        return sums;
    }
}
