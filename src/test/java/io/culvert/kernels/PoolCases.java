package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Tolerance.EXACT;
import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.U8;

import io.culvert.kernels.KernelCase.Type;
import io.culvert.reference.Reference;
import java.util.ArrayList;
import java.util.List;

/** Pooling. */
final class PoolCases {
    private static final String MODULE = "pool";

    /** Images, height, width, channels, window, stride, padding. */
    private static final int[][] SHAPES = {
        {1, 1, 1, 1, 1, 1, 0},
        {2, 9, 7, 13, 3, 2, 1},
        {1, 5, 6, 8, 2, 2, 0},
        {2, 6, 5, 16, 3, 1, 1},
        {1, 8, 7, 8, 3, 3, 0},
        {1, 5, 9, 3, 3, 2, 1},
        {1, 11, 12, 4, 5, 2, 2},
        {1, 9, 10, 8, 5, 1, 2},
        {1, 9, 10, 3, 7, 1, 3},
        {1, 12, 11, 16, 6, 1, 0}
    };

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        PoolCases all = new PoolCases();
        for (Type type : List.of(F32, BF16)) {
            for (int[] shape : SHAPES) {
                all.max(type, shape);
                all.average(type, shape[0], shape[1] * shape[2], shape[3]);
            }
            all.average(type, 2, 70, 5);
            all.average(type, 2, 70, 8);
            all.average(type, 2, 4, 5);
            all.average(type, 2, 4, 8);
            all.average(type, 1, 36, 8);
            all.average(type, 1, 35, 16);
        }
        return all.cases;
    }

    private void keep(KernelCase made, int channels) {
        made.grid(2).block(64);
        if (channels <= 8) {
            // So many strides that every copy of an unrolled loop runs.
            made.grid(1).block(32);
        }
        cases.add(made);
        if (channels == 8) {
            cases.addAll(made.misaligned());
        }
    }

    private void max(Type type, int[] s) {
        int images = s[0];
        int h = s[1];
        int w = s[2];
        int c = s[3];
        int k = s[4];
        int outHeight = (h + 2 * s[6] - k) / s[5] + 1;
        int outWidth = (w + 2 * s[6] - k) / s[5] + 1;
        int[] sizes = {images, h, w, c, outHeight, outWidth, k, s[5], s[6]};
        double[] x = type.normal(1, images * h * w * c);
        for (int i = 0; i < x.length; i++) {
            // Halves, all below zero: equal ones are common, and padding must not win with its zeros.
            x[i] = Math.rint(2 * x[i]) / 2 - 8;
        }
        double[] y = Reference.maxPool(x, images, h, w, c, k, s[5], s[6]);
        double[] winner = new double[y.length];
        double[] dy = type.normal(2, y.length);
        double[] dx = new double[x.length];
        for (int o = 0; o < y.length; o++) {
            int left = o / c % outWidth * s[5] - s[6];
            int top = o / c / outWidth % outHeight * s[5] - s[6];
            int image = o / c / outWidth / outHeight;
            for (int at = k * k - 1; at >= 0; at--) {
                int row = top + at / k;
                int column = left + at % k;
                if (row >= 0 && row < h && column >= 0 && column < w
                        && x[((image * h + row) * w + column) * c + o % c] == y[o]) {
                    winner[o] = at;
                }
            }
            int row = top + (int) winner[o] / k;
            int column = left + (int) winner[o] % k;
            dx[((image * h + row) * w + column) * c + o % c] += dy[o];
        }
        keep(new KernelCase(MODULE, "maxpool_forward_" + type.suffix())
                .out(type, y, EXACT).out(U8, winner, EXACT).in(type, x).value(sizes), c);
        keep(new KernelCase(MODULE, "maxpool_backward_" + type.suffix())
                .out(type, dx).in(type, dy).in(U8, winner).value(sizes), c);
    }

    private void average(Type type, int images, int pixels, int c) {
        double[] x = type.normal(1, images * pixels * c);
        keep(new KernelCase(MODULE, "avgpool_forward_" + type.suffix())
                .out(type, Reference.globalAvgPool(x, images, pixels, c)).in(type, x).value(images, pixels, c), c);
        double[] dy = type.normal(2, images * c);
        double[] dx = new double[images * pixels * c];
        for (int i = 0; i < dx.length; i++) {
            dx[i] = dy[i / (pixels * c) * c + i % c] / pixels;
        }
        keep(new KernelCase(MODULE, "avgpool_backward_" + type.suffix())
                .out(type, dx).in(type, dy).value(images, pixels, c), c);
    }
}
