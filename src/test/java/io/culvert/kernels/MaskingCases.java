package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Tolerance.EXACT;
import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;
import static io.culvert.kernels.KernelCase.Type.I32;

import io.culvert.kernels.KernelCase.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Masked autoencoders: the patches that are left, their positions, and their way back among mask tokens. */
final class MaskingCases {
    /** Images, patches down and across, side of a patch, channels, patches that stay. */
    private static final int[][] PATCHES = {
        {1, 1, 1, 1, 1, 1}, {2, 3, 2, 4, 3, 2}, {1, 2, 5, 3, 3, 4}, {2, 2, 2, 8, 1, 1}, {3, 4, 3, 2, 4, 12}, {2, 3, 4, 5, 1, 5}
    };

    /** Images, places, patches that stay, width; some of them such that a thread makes four strides, which are one unrolled. */
    private static final int[][] SEQUENCES = {
        {1, 1, 1, 1}, {2, 6, 2, 13}, {3, 5, 5, 8}, {70, 3, 1, 16}, {35, 4, 2, 5}, {2, 9, 4, 40}, {9, 40, 3, 264},
        {5, 67, 3, 131}, {1, 7, 3, 15}, {2, 7, 3, 15}, {4, 7, 3, 33}
    };

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        MaskingCases all = new MaskingCases();
        for (Type type : List.of(F32, BF16)) {
            for (int[] shape : PATCHES) {
                all.patches(type, shape);
            }
            for (int[] shape : SEQUENCES) {
                all.placed(type, shape[0], shape[1], shape[2], shape[3], true);
                all.placed(type, shape[0], shape[1], shape[1], shape[3], false);
                all.unshuffle(type, shape[0], shape[1], shape[2], shape[3]);
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

    /** The places that stay, in any order: the kernels do not ask for another. */
    private static double[] visible(int images, int places, int kept) {
        SplittableRandom random = new SplittableRandom(7);
        double[] visible = new double[images * kept];
        for (int n = 0; n < images; n++) {
            List<Integer> left = new ArrayList<>();
            for (int i = 0; i < places; i++) {
                left.add(i);
            }
            for (int i = 0; i < kept; i++) {
                visible[n * kept + i] = left.remove(random.nextInt(left.size()));
            }
        }
        return visible;
    }

    private static double[] slots(double[] visible, int images, int places) {
        double[] slots = new double[images * places];
        Arrays.fill(slots, -1);
        int kept = visible.length / images;
        for (int i = 0; i < visible.length; i++) {
            slots[i / kept * places + (int) visible[i]] = i % kept;
        }
        return slots;
    }

    private void patches(Type type, int[] s) {
        int side = s[3];
        int channels = s[4];
        int kept = s[5];
        int height = s[1] * side;
        int width = s[2] * side;
        int row = side * side * channels;
        double[] visible = visible(s[0], s[1] * s[2], kept);
        double[] x = type.normal(1, s[0] * height * width * channels);
        double[] rows = new double[s[0] * kept * row];
        double[] dx = new double[x.length];
        for (int i = 0; i < rows.length; i++) {
            int image = i / row / kept;
            int place = (int) visible[i / row];
            int inside = i % row;
            int y = place / s[2] * side + inside / (side * channels);
            int at = (image * height + y) * width * channels + place % s[2] * side * channels + inside % (side * channels);
            rows[i] = x[at];
            dx[at] = rows[i];
        }
        int[] sizes = {s[0], kept, height, width, channels, side};
        boolean vectors = side * channels % 4 == 0;
        keep(new KernelCase("masking", "visible_patches_forward_" + type.suffix())
                .out(type, rows, EXACT).in(type, x).in(I32, visible).value(sizes), vectors);
        keep(new KernelCase("masking", "visible_patches_backward_" + type.suffix())
                .out(type, dx, EXACT).in(type, rows).in(I32, slots(visible, s[0], s[1] * s[2])).value(sizes), vectors);
    }

    /** @param chosen whether only some patches are there; else all, in their order, and nothing says which */
    private void placed(Type type, int n, int places, int kept, int width, boolean chosen) {
        int length = 1 + kept;
        double[] visible = visible(n, places, kept);
        double[] x = type.normal(1, n * kept * width);
        double[] token = F32.normal(2, width);
        double[] position = F32.normal(3, (1 + places) * width);
        double[] dy = type.normal(4, n * length * width);
        double[] y = new double[dy.length];
        double[] dx = new double[x.length];
        double[] dtoken = token.clone();
        for (int i = 0; i < y.length; i++) {
            int d = i % width;
            int at = i / width % length;
            int image = i / width / length;
            int patch = image * kept + at - 1;
            if (at == 0) {
                y[i] = type.round((float) (token[d] + position[d]));
                dtoken[d] += dy[i];
            } else {
                int place = chosen ? (int) visible[patch] : at - 1;
                y[i] = type.round((float) (x[patch * width + d] + position[(1 + place) * width + d]));
                dx[patch * width + d] = dy[i];
            }
        }
        KernelCase forward = new KernelCase("masking", "placed_tokens_forward_" + type.suffix())
                .out(type, y, EXACT).in(type, x).in(F32, token).in(F32, position);
        keep((chosen ? forward.in(I32, visible) : forward.none()).value(n, length, width), width == 40);
        keep(new KernelCase("masking", "placed_tokens_backward_" + type.suffix())
                .out(type, dx, EXACT).inout(F32, token, dtoken).in(type, dy).value(n, length, width), false);
    }

    private void unshuffle(Type type, int n, int places, int kept, int width) {
        int length = 1 + places;
        int seen = 1 + kept;
        double[] slots = slots(visible(n, places, kept), n, places);
        double[] x = type.normal(1, n * seen * width);
        double[] mask = F32.normal(2, width);
        double[] position = F32.normal(3, length * width);
        double[] dy = type.normal(4, n * length * width);
        double[] y = new double[dy.length];
        double[] dx = new double[x.length];
        double[] dmask = new double[width];
        for (int i = 0; i < y.length; i++) {
            int d = i % width;
            int at = i / width % length;
            int image = i / width / length;
            int slot = at == 0 ? 0 : 1 + (int) slots[image * places + at - 1];
            double value = mask[d];
            if (at > 0 && slot == 0) {
                dmask[d] += dy[i];
            } else {
                int from = (image * seen + slot) * width + d;
                value = x[from];
                dx[from] = dy[i];
            }
            y[i] = type.round((float) (value + position[at * width + d]));
        }
        keep(new KernelCase("masking", "unshuffle_forward_" + type.suffix())
                .out(type, y, EXACT).in(type, x).in(F32, mask).in(F32, position).in(I32, slots)
                .value(n, length, seen, width), width == 40);
        for (int parts = 1; parts <= 2; parts++) {
            KernelCase backward = new KernelCase("masking", "unshuffle_backward_" + type.suffix())
                    .out(type, dx, EXACT)
                    .out(F64, parts * width, all -> sumOfParts(all, width), dmask, KernelCase.Tolerance.SINGLE)
                    .in(type, dy).in(I32, slots).value(n, length, seen, width)
                    .grid(1 + cases.size() % 2, parts, 1).block(256);
            cases.add(backward);
            if (width == 40) {
                cases.addAll(backward.misaligned());
            }
        }
    }

    private static double[] sumOfParts(double[] parts, int width) {
        double[] sums = new double[width];
        for (int i = 0; i < parts.length; i++) {
            sums[i % width] += parts[i];
        }
        return sums;
    }
}
