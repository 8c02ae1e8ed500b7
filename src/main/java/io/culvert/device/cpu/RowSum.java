package io.culvert.device.cpu;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** The sum of two rows, each of which starts at an element of its tensor; it may be one of them. */
public final class RowSum {
    private RowSum() {}

    public static void add(MemorySegment a, long atA, MemorySegment b, long atB, MemorySegment sum, long at, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            FloatVector one = FloatVector.fromMemorySegment(F, a, (atA + i) * BYTES, NATIVE);
            FloatVector other = FloatVector.fromMemorySegment(F, b, (atB + i) * BYTES, NATIVE);
            one.add(other).intoMemorySegment(sum, (at + i) * BYTES, NATIVE);
        }
        for (; i < count; i++) {
            set(sum, at + i, get(a, atA + i) + get(b, atB + i));
        }
    }
}
