package io.culvert.emulator.ptx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A kernel with its grid and its arguments.
 *
 * @param dynamicShared bytes of dynamic shared memory per block
 * @param params the packed parameter block
 * @param sharedLimit bytes of shared memory that a block may have: {@link #SHARED_DEFAULT} unless the kernel's
 *     attribute MAX_DYNAMIC_SHARED_SIZE_BYTES was raised, up to {@link #SHARED_OPT_IN}
 */
public record Launch(PtxKernel kernel, Dim3 grid, Dim3 block, int dynamicShared, byte[] params, int sharedLimit) {
    public static final int SHARED_DEFAULT = 48 * 1024;

    /** What sm_86 and sm_89 allow, so that a kernel that fits runs on all of sm_8x. */
    public static final int SHARED_OPT_IN = 99 * 1024;

    /** Checks what cuLaunchKernel checks. */
    public Launch {
        check(kernel, grid.x() > 0 && grid.y() > 0 && grid.z() > 0, "grid %s", grid);
        check(kernel, grid.y() <= 65535 && grid.z() <= 65535, "grid %s exceeds (2147483647,65535,65535)", grid);
        check(kernel, block.x() > 0 && block.y() > 0 && block.z() > 0, "block %s", block);
        check(kernel, block.x() <= 1024 && block.y() <= 1024 && block.z() <= 64, "block %s too wide", block);
        check(kernel, block.count() <= 1024, "block %s has %d threads, more than 1024", block, block.count());
        check(
                kernel,
                block.count() <= kernel.maxThreads(),
                "block %s has more than the %d threads of the kernel's launch bounds",
                block,
                kernel.maxThreads());
        check(kernel, sharedLimit <= SHARED_OPT_IN, "shared limit %d exceeds %d", sharedLimit, SHARED_OPT_IN);
        check(kernel, dynamicShared >= 0, "%d bytes of dynamic shared memory", dynamicShared);
        check(
                kernel,
                kernel.sharedBytes(dynamicShared) <= sharedLimit,
                "%d static and %d dynamic bytes of shared memory exceed the limit of %d",
                kernel.staticSharedBytes(),
                dynamicShared,
                sharedLimit);
        check(
                kernel,
                params.length == kernel.parameterBytes(),
                "%d bytes of parameters, the kernel takes %d",
                params.length,
                kernel.parameterBytes());
    }

    private static void check(PtxKernel kernel, boolean holds, String format, Object... args) {
        if (!holds) {
            throw KernelFault.badLaunch(kernel.name(), format, args);
        }
    }

    /** The same launch, allowed {@code bytes} of shared memory a block. */
    public Launch withSharedLimit(int bytes) {
        return new Launch(kernel, grid, block, dynamicShared, params, bytes);
    }

    /**
     * A launch with Java values: Long for 64-bit parameters and addresses, Integer, Short, Byte, Float, Double, or a
     * byte[] for a structure. Each must have its parameter's exact size.
     */
    public static Launch of(PtxKernel kernel, Dim3 grid, Dim3 block, int dynamicShared, Object... values) {
        List<PtxKernel.Parameter> parameters = kernel.parameters();
        check(
                kernel,
                values.length == parameters.size(),
                "%d arguments, the kernel takes %d",
                values.length,
                parameters.size());
        ByteBuffer packed = ByteBuffer.allocate(kernel.parameterBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            PtxKernel.Parameter parameter = parameters.get(i);
            byte[] bytes = bytes(kernel, i, values[i]);
            check(
                    kernel,
                    bytes.length == parameter.bytes(),
                    "argument %d has %d bytes, parameter %s (%s) has %d",
                    i,
                    bytes.length,
                    parameter.name(),
                    parameter.type(),
                    parameter.bytes());
            packed.put(parameter.offset(), bytes);
        }

        return new Launch(kernel, grid, block, dynamicShared, packed.array(), SHARED_DEFAULT);
    }

    private static byte[] bytes(PtxKernel kernel, int index, Object value) {
        ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        switch (value) {
            case Long v -> buffer.putLong(v);
            case Integer v -> buffer.putInt(v);
            case Short v -> buffer.putShort(v);
            case Byte v -> buffer.put(v);
            case Float v -> buffer.putFloat(v);
            case Double v -> buffer.putDouble(v);
            case byte[] v -> {
                return v;
            }
            default -> throw KernelFault.badLaunch(kernel.name(), "argument %d is a %s", index, value.getClass());
        }
        byte[] bytes = new byte[buffer.position()];
        buffer.get(0, bytes);
        return bytes;
    }

    /**
     * A launch as cuLaunchKernel gets it.
     *
     * @param kernelParams an array of pointers, one to the value of each parameter; may be zero-length memory from C
     */
    public static Launch ofPointers(
            PtxKernel kernel, Dim3 grid, Dim3 block, int dynamicShared, MemorySegment kernelParams, int sharedLimit) {
        List<PtxKernel.Parameter> parameters = kernel.parameters();
        MemorySegment pointers = kernelParams.reinterpret(8L * parameters.size());
        byte[] packed = new byte[kernel.parameterBytes()];
        for (int i = 0; i < parameters.size(); i++) {
            PtxKernel.Parameter parameter = parameters.get(i);
            MemorySegment value = pointers.get(ValueLayout.ADDRESS_UNALIGNED, 8L * i);
            check(kernel, value.address() != 0, "the pointer to argument %d is null", i);
            MemorySegment bytes = value.reinterpret(parameter.bytes());
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, packed, parameter.offset(), parameter.bytes());
        }
        return new Launch(kernel, grid, block, dynamicShared, packed, sharedLimit);
    }
}
