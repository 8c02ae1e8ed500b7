package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Tolerance.EXACT;
import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;

import io.culvert.kernels.KernelCase.Type;
import java.util.ArrayList;
import java.util.List;

/** What a vision transformer has beside the layers of every network: patches as rows, the class token, positions. */
final class TokenCases {
    /** Images, patches down and across, side of a patch, channels. */
    private static final int[][] PATCHES = {
        {1, 1, 1, 1, 1}, {2, 3, 2, 4, 3}, {1, 2, 5, 3, 3}, {2, 2, 2, 5, 4}, {1, 4, 3, 7, 1}, {3, 2, 3, 6, 2}
    };

    /** Images, length with the class token, width. */
    private static final int[][] SEQUENCES = {
        {1, 2, 1}, {2, 7, 13}, {3, 5, 8}, {70, 3, 16}, {35, 4, 5}, {2, 9, 40}, {2, 7, 32}, {4, 7, 32}
    };

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        TokenCases all = new TokenCases();
        for (Type type : List.of(F32, BF16)) {
            for (int[] shape : PATCHES) {
                all.patches(type, shape);
            }
            for (int[] shape : SEQUENCES) {
                all.tokens(type, shape[0], shape[1], shape[2]);
                all.slice(type, shape[0], shape[1], shape[2], 0, 1);
                all.slice(type, shape[0], shape[1], shape[2], 1, shape[1] - 1);
            }
        }
        return all.cases;
    }

    /** Two blocks, and one warp, which makes many strides; where vectors are possible, each array misaligned too. */
    private void keep(KernelCase made, boolean vectors) {
        cases.add(made.grid(cases.size() % 2 + 1).block(32));
        if (vectors) {
            cases.addAll(made.misaligned());
        }
    }

    private void patches(Type type, int[] s) {
        int side = s[3];
        int channels = s[4];
        int height = s[1] * side;
        int width = s[2] * side;
        double[] x = type.normal(1, s[0] * height * width * channels);
        double[] rows = new double[x.length];
        int at = 0;
        for (int patch = 0; patch < s[0] * s[1] * s[2]; patch++) {
            for (int y = 0; y < side; y++) {
                for (int i = 0; i < side * channels; i++) {
                    int line = patch / s[2] * side + y;
                    rows[at++] = x[(line * width + patch % s[2] * side) * channels + i];
                }
            }
        }
        int[] sizes = {s[0], height, width, channels, side};
        keep(new KernelCase("patchembed", "patch_gather_" + type.suffix())
                .out(type, rows, EXACT).in(type, x).value(sizes), side * channels % 4 == 0);
        keep(new KernelCase("patchembed", "patch_scatter_" + type.suffix())
                .out(type, x, EXACT).in(type, rows).value(sizes), side * channels % 4 == 0);
    }

    private void tokens(Type type, int n, int length, int width) {
        int image = length * width;
        double[] x = type.normal(1, n * (image - width));
        double[] token = F32.normal(2, width);
        double[] position = F32.normal(3, image);
        double[] dy = type.normal(4, n * image);
        double[] y = new double[n * image];
        double[] dx = new double[x.length];
        double[] dtoken = token.clone();
        double[] dposition = position.clone();
        for (int i = 0; i < y.length; i++) {
            int at = i % image;
            int patch = i / image * (image - width) + at - width;
            y[i] = type.round((float) (position[at] + (at < width ? token[at] : x[patch])));
            dposition[at] += dy[i];
            if (at < width) {
                dtoken[at] += dy[i];
            } else {
                dx[patch] = dy[i];
            }
        }
        keep(new KernelCase("tokens", "tokens_forward_" + type.suffix()).out(type, y, EXACT)
                .in(type, x).in(F32, token).in(F32, position).value(n, length, width), width % 8 == 0);
        keep(new KernelCase("tokens", "tokens_backward_" + type.suffix()).out(type, dx, EXACT)
                .inout(F32, token, dtoken).inout(F32, position, dposition).in(type, dy).value(n, length, width), false);
    }

    /** Some neighbouring tokens of each sequence: the first alone, or all but the first. */
    private void slice(Type type, int n, int length, int width, int first, int count) {
        double[] x = type.normal(1, n * length * width);
        double[] dy = type.normal(2, n * count * width);
        double[] y = new double[dy.length];
        double[] dx = new double[x.length];
        for (int i = 0; i < y.length; i++) {
            int at = (i / (count * width) * length + first) * width + i % (count * width);
            y[i] = x[at];
            dx[at] = dy[i];
        }
        keep(new KernelCase("tokens", "token_slice_forward_" + type.suffix())
                .out(type, y, EXACT).in(type, x).value(n, length, width, first, count), width % 8 == 0);
        keep(new KernelCase("tokens", "token_slice_backward_" + type.suffix())
                .out(type, dx, EXACT).in(type, dy).value(n, length, width, first, count), width % 8 == 0);
    }
}
