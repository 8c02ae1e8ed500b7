package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Lanes of a warp that part and meet: {@code groups.cu}. */
class WarpGroupsTest {
    private static final String FILE = "groups";
    private static final Dim3 ONE = Dim3.of(1);
    private static final int[] X = new SplittableRandom(1).ints(64, 0, 100).toArray();

    /** Each part of a warp has a member mask of its own, in one instruction. */
    @Test
    void partsOfAWarp() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(512, "out");
            gpu.run(Gpu.kernel(FILE, "partitions"), ONE, Dim3.of(64), 0, out, gpu.put("x", X));
            int[] result = gpu.ints(out, 128);
            for (int i = 0; i < 64; i++) {
                int sum = 0;
                int size = 0;
                int rank = 0;
                for (int k = i / 32 * 32; k < i / 32 * 32 + 32; k++) {
                    sum += X[k] % 3 == X[i] % 3 ? X[k] : 0;
                    size += (X[k] & 1) == (X[i] & 1) ? 1 : 0;
                    rank += k < i && (X[k] & 1) == (X[i] & 1) ? 1 : 0;
                }
                assertThat(result[2 * i]).isEqualTo(sum);
                assertThat(result[2 * i + 1]).isEqualTo(1000 * size + rank);
            }
        }
    }

    @Test
    void branchesThatMeetInsideACondition() {
        int[] x = new SplittableRandom(2).ints(32, 0, 12).toArray();
        int[] y = new SplittableRandom(3).ints(32, 0, 12).toArray();
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(128, "out");
            gpu.run(Gpu.kernel(FILE, "either"), ONE, Dim3.of(32), 0, out, gpu.put("x", x), gpu.put("y", y));
            int first = 0;
            while (x[first] <= 5 && y[first] >= 3) {
                first++;
            }
            for (int i = 0; i < 32; i++) {
                int expected = x[i] > 5 || y[i] < 3 ? x[i] + x[first] : -1;
                assertThat(gpu.ints(out, 32)[i]).isEqualTo(expected);
            }
        }
    }

    @Test
    void locksThatLanesOfOneWarpWaitFor() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long count = gpu.put("count", 0);
            gpu.run(Gpu.kernel(FILE, "spin"), ONE, Dim3.of(64), 0, gpu.put("lock", 0), count);
            assertThat(gpu.ints(count, 1)[0]).isEqualTo(63 * 64 / 2);
            // What a lock in shared memory guards is no race.
            long out = gpu.empty(4, "out");
            gpu.run(Gpu.kernel(FILE, "spin_shared"), ONE, Dim3.of(64), 0, out);
            assertThat(gpu.ints(out, 1)[0]).isEqualTo(63 * 64 / 2);
        }
    }
}
