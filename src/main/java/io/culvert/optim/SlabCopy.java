package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import java.lang.foreign.MemorySegment;

/** A second place for a slab of floats on the same device. Neither call waits or creates anything, so a step may record them. */
public final class SlabCopy {
    private static final int THREADS = 256;

    private final Buffer kept;
    private final Runnable keep;
    private final Runnable restore;

    /** @param purpose names the memory in reports and errors */
    public SlabCopy(RunArena arena, Buffer slab, String purpose) {
        kept = arena.allocate(purpose, slab.bytes());
        keep = copy(arena.device(), kept, slab);
        restore = copy(arena.device(), slab, kept);
    }

    private static Runnable copy(Device device, Buffer to, Buffer from) {
        return switch (device) {
            case CpuDevice cpu -> copy(to.memory(), from.memory());
            case CudaDevice cuda -> launch(cuda.context(), to, from)::run;
        };
    }

    private static Runnable copy(MemorySegment to, MemorySegment from) {
        return () -> MemorySegment.copy(from, 0, to, 0, from.byteSize());
    }

    /** {@code kernels/elementwise.cu}: a multiplication by one. */
    private static CudaLaunch launch(CudaContext cuda, Buffer to, Buffer from) {
        int n = Math.toIntExact(from.bytes() / Float.BYTES);
        return cuda.launch("elementwise", "scale_f32").grid(cuda.blocks(n, 4 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(from.address()).int32(n).float32(1);
    }

    /** Copies the slab as it is now. */
    public void keep() {
        keep.run();
    }

    /** Makes the slab what it was when {@link #keep} was called. */
    public void restore() {
        restore.run();
    }

    /** Where the copy is. */
    Buffer kept() {
        return kept;
    }
}
