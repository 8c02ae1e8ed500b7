package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.RunArena;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@code kernels/optim.cu}: one launch over the slabs; the host adds up what its blocks found. */
final class CudaSlabNorms implements SlabNorms.Kernel {
    private static final int THREADS = 256;

    private final CudaLaunch squares;
    private final Buffer parts;
    private final MemorySegment host;

    CudaSlabNorms(CudaContext cuda, RunArena arena, SlabNorms norms) {
        int n = Math.toIntExact(norms.before.bytes() / Float.BYTES);
        int blocks = cuda.blocks(n, 4 * THREADS);
        parts = arena.allocate("norms of a step", 3L * blocks * Double.BYTES);
        host = arena.hostMemory(parts.bytes());
        squares = cuda.launch("optim", "slab_squares_f32").grid(blocks).block(THREADS)
                .pointer(parts.address()).pointer(norms.store.values().address()).pointer(norms.before.address())
                .pointer(norms.store.gradients().address()).int32(n);
    }

    @Override
    public void squares(double[] to) {
        squares.run();
        parts.read(0, host);
        Arrays.fill(to, 0);
        for (int i = 0; i < host.byteSize() / Double.BYTES; i++) {
            to[i % 3] += host.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
        }
    }
}
