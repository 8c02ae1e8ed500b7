package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.F32;

import java.util.ArrayList;
import java.util.List;

/** What several ranks need beside NCCL. */
final class RanksCases {
    /** Views, rank, ranks, floats of a view of a rank. */
    private static final int[][] SHAPES = {{1, 0, 1, 1}, {2, 1, 3, 37}, {2, 0, 2, 300}, {3, 3, 4, 513}};

    private RanksCases() {}

    static List<KernelCase> all() {
        List<KernelCase> all = new ArrayList<>();
        for (int[] s : SHAPES) {
            double[] dy = F32.normal(1, s[0] * s[2] * s[3]);
            double[] dx = new double[s[0] * s[3]];
            for (int i = 0; i < dx.length; i++) {
                dx[i] = s[2] * dy[(i / s[3] * s[2] + s[1]) * s[3] + i % s[3]];
            }
            all.add(new KernelCase("ranks", "gather_rows_backward_f32").grid(2).out(F32, dx).in(F32, dy).value(s));
        }
        return all;
    }
}
