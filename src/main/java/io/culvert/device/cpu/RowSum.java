package io.culvert.device.cpu;

import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.load;
import static io.culvert.device.cpu.Simd.set;
import static io.culvert.device.cpu.Simd.store;

import java.lang.foreign.MemorySegment;

/** The sum of two rows, each of which starts at an element of its tensor; it may be one of them. */
public final class RowSum {
    private RowSum() {}

    public static void add(MemorySegment a, long atA, MemorySegment b, long atB, MemorySegment sum, long at, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            store(load(a, atA + i).add(load(b, atB + i)), sum, at + i);
        }
        for (; i < count; i++) {
            set(sum, at + i, get(a, atA + i) + get(b, atB + i));
        }
    }
}
