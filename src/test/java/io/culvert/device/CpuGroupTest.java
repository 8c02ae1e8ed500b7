package io.culvert.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.SharedSlots;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class CpuGroupTest {
    /** More than a slot holds, and no multiple of a vector. */
    private static final int COUNT = SharedSlots.BYTES / Float.BYTES * 2 + 13;

    private static final int RANKS = 3;

    private static float value(int rank, int i) {
        return (rank + 1) * 0.1f + i % 97;
    }

    @Test
    void meansAreOfAllRanksAndTheSameBitsOnEach() throws Exception {
        List<float[]> results = Ranks.run(RANKS, launch -> {
            try (Arena arena = Arena.ofConfined();
                    CpuDevice device = CpuDevice.open(1, launch, "")) {
                MemorySegment values = arena.allocate(ValueLayout.JAVA_FLOAT, COUNT + 1);
                for (int i = 0; i <= COUNT; i++) {
                    values.setAtIndex(ValueLayout.JAVA_FLOAT, i, value(launch.rank(), i));
                }
                device.group().average(values, Float.BYTES, (long) COUNT * Float.BYTES);
                device.group().leave();
                return values.toArray(ValueLayout.JAVA_FLOAT);
            }
        });
        for (int rank = 0; rank < RANKS; rank++) {
            float[] got = results.get(rank);
            assertThat(got[0]).as("what lies before is left alone").isEqualTo(value(rank, 0));
            for (int i = 1; i <= COUNT; i++) {
                float want = (value(0, i) + value(1, i) + value(2, i)) * (1f / RANKS);
                if (got[i] != want) {
                    assertThat(got[i]).as("element %d on rank %d", i, rank).isEqualTo(want);
                }
            }
        }
    }

    @Test
    void gatheredIsWhatEachHasInTheOrderOfRanks() throws Exception {
        List<float[]> results = Ranks.run(RANKS, launch -> {
            try (Arena arena = Arena.ofConfined();
                    CpuDevice device = CpuDevice.open(1, launch, "")) {
                MemorySegment own = arena.allocate(ValueLayout.JAVA_FLOAT, COUNT);
                for (int i = 0; i < COUNT; i++) {
                    own.setAtIndex(ValueLayout.JAVA_FLOAT, i, value(launch.rank(), i));
                }
                MemorySegment all = arena.allocate(ValueLayout.JAVA_FLOAT, (long) RANKS * COUNT);
                device.group().gather(own, all);
                device.group().leave();
                return all.toArray(ValueLayout.JAVA_FLOAT);
            }
        });
        for (float[] got : results) {
            for (int i = 0; i < got.length; i++) {
                if (got[i] != value(i / COUNT, i % COUNT)) {
                    assertThat(got[i]).as("element %d", i).isEqualTo(value(i / COUNT, i % COUNT));
                }
            }
        }
    }
}
