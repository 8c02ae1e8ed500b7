package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.bindings.cuda.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A kernel with its launch shape and its arguments, put together once when a tape is compiled: addresses and sizes never
 * change, so that a step launches it without creating anything. What changes from step to step (a learning rate) is read
 * by the kernel from device memory.
 */
public final class CudaLaunch {
    private static final int SLOT = 8;
    private static final int WARP = 32;
    private static final int WARPS = 8;
    private static final int WIDEST_FOR_A_WARP = 1024;

    private final CudaModule.Function function;
    private final CudaContext context;
    private final MemorySegment values;
    private final MemorySegment pointers;
    private int given;
    private int gridX = 1;
    private int gridY = 1;
    private int gridZ = 1;
    private int blockX = 1;
    private int blockY = 1;
    private int sharedBytes;

    /** @param arena holds the argument block for as long as the launch is used */
    CudaLaunch(CudaModule.Function function, CudaContext context, Arena arena) {
        this.function = function;
        this.context = context;
        int count = function.parameterBytes().size();
        values = arena.allocate(JAVA_LONG, Math.max(1, count));
        pointers = arena.allocate(ADDRESS, Math.max(1, count));
        for (int i = 0; i < count; i++) {
            pointers.setAtIndex(ADDRESS, i, values.asSlice((long) i * SLOT));
        }
    }

    /** Blocks along x, y and z. */
    public CudaLaunch grid(int x, int y, int z) {
        gridX = x;
        gridY = y;
        gridZ = z;
        return this;
    }

    /** Blocks along x. */
    public CudaLaunch grid(int x) {
        return grid(x, 1, 1);
    }

    /** Threads of a block along x and y. */
    public CudaLaunch block(int x, int y) {
        blockX = x;
        blockY = y;
        return this;
    }

    /** Threads of a block. */
    public CudaLaunch block(int threads) {
        return block(threads, 1);
    }

    /** The shape of kernels that give each row to a team: a warp up to {@link #WIDEST_FOR_A_WARP} columns, else a block. */
    public CudaLaunch teams(CudaContext cuda, int rows, int width) {
        return width <= WIDEST_FOR_A_WARP
                ? grid(cuda.blocks(rows, WARPS)).block(WARP, WARPS)
                : grid(cuda.blocks(rows, 1)).block(WARP * WARPS);
    }

    /** Dynamic shared memory of a block. */
    public CudaLaunch shared(int bytes) {
        sharedBytes = bytes;
        return this;
    }

    /** The next argument: an address, or 0 for none. */
    public CudaLaunch pointer(long address) {
        values.setAtIndex(JAVA_LONG, next(Long.BYTES), address);
        return this;
    }

    /** The next argument. */
    public CudaLaunch int32(int value) {
        values.set(JAVA_INT, (long) next(Integer.BYTES) * SLOT, value);
        return this;
    }

    /** The next argument. */
    public CudaLaunch float32(double value) {
        values.set(JAVA_FLOAT, (long) next(Float.BYTES) * SLOT, (float) value);
        return this;
    }

    private int next(int bytes) {
        if (given == function.parameterBytes().size()) {
            throw new IllegalArgumentException(function.name() + " takes " + given + " arguments, got more");
        }
        int expected = function.parameterBytes().get(given);
        if (expected != bytes) {
            throw new IllegalArgumentException("%s: argument %d has %d bytes, the kernel takes %d"
                    .formatted(function.name(), given, bytes, expected));
        }
        return given++;
    }

    /** Queues the kernel. */
    public void run() {
        if (given != function.parameterBytes().size()) {
            throw new IllegalStateException("%s takes %d arguments, got %d"
                    .formatted(function.name(), function.parameterBytes().size(), given));
        }
        int result = cuda_h.cuLaunchKernel(
                function.handle(), gridX, gridY, gridZ, blockX, blockY, 1, sharedBytes, context.stream().handle(), pointers,
                MemorySegment.NULL);
        if (result != 0) {
            throw Driver.failure(result, this + "");
        }
        context.afterLaunch(this);
    }

    /** Queues one after the other. */
    public static void runAll(CudaLaunch[] launches) {
        for (CudaLaunch launch : launches) {
            launch.run();
        }
    }

    @Override
    public String toString() {
        return "cuLaunchKernel(%s, grid %dx%dx%d, block %dx%d, shared %d bytes)"
                .formatted(function.name(), gridX, gridY, gridZ, blockX, blockY, sharedBytes);
    }
}
