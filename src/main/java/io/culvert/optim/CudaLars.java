package io.culvert.optim;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.tensor.Parameter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** {@code kernels/optim.cu}: the norms of all parameters in one launch, their update in a second. */
final class CudaLars implements SlabUpdate.Kernel {
    private static final int THREADS = 256;
    private static final int PARTS = 16;
    private static final int SEGMENT_INTS = 3;

    private final CudaLaunch norms;
    private final CudaLaunch update;

    CudaLars(CudaContext cuda, Lars lars) {
        List<Parameter> parameters = lars.store.parameters();
        int count = parameters.size();
        long segments = cuda.allocate("parameter table", (long) count * SEGMENT_INTS * Integer.BYTES);
        try (Arena call = Arena.ofConfined()) {
            MemorySegment table = call.allocate(JAVA_INT, (long) count * SEGMENT_INTS);
            for (int i = 0; i < count; i++) {
                Parameter parameter = parameters.get(i);
                long offset = parameter.value().address() - lars.store.values().address();
                table.setAtIndex(JAVA_INT, (long) i * SEGMENT_INTS, Math.toIntExact(offset / Float.BYTES));
                table.setAtIndex(
                        JAVA_INT,
                        (long) i * SEGMENT_INTS + 1,
                        Math.toIntExact(parameter.value().shape().count()));
                table.setAtIndex(JAVA_INT, (long) i * SEGMENT_INTS + 2, parameter.isVector() ? 0 : 1);
            }
            cuda.stream().copyToDevice(segments, table);
        }
        long scratch = cuda.workspace((long) count * PARTS * 2 * Double.BYTES);
        norms = cuda.launch("optim", "lars_norms_f32").grid(PARTS, count, 1).block(THREADS)
                .pointer(scratch).pointer(lars.store.values().address()).pointer(lars.store.gradients().address())
                .pointer(segments).float32(lars.weightDecay);
        update = cuda.launch("optim", "lars_f32").grid(PARTS, count, 1).block(THREADS)
                .pointer(lars.store.values().address()).pointer(lars.momentumBuffer.address())
                .pointer(lars.store.gradients().address()).pointer(lars.cudaRates.address()).pointer(segments).pointer(scratch)
                .float32(lars.momentum).float32(lars.weightDecay).float32(lars.trust);
    }

    @Override
    public void update() {
        norms.run();
        update.run();
    }
}
