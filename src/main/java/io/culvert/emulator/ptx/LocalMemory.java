package io.culvert.emulator.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Local memory of a warp's 32 threads: the frames of the functions in progress, growing with the calls. */
final class LocalMemory {
    Region region = new Region("local", MemorySegment.NULL, 0, false, false);

    /** Bytes from one thread's memory to the next one's. */
    long stride;

    void ensure(int bytesPerThread) {
        if (bytesPerThread <= stride) {
            return;
        }
        long wider = Math.max(bytesPerThread + 15L & -16L, 2 * stride);
        MemorySegment data = Arena.ofAuto().allocate(32 * wider, 16);
        data.fill(Region.FRESH);
        for (int lane = 0; lane < 32; lane++) {
            MemorySegment.copy(region.data, lane * stride, data, lane * wider, stride);
        }
        region = new Region("local", data, 0, false, false);
        stride = wider;
    }
}
