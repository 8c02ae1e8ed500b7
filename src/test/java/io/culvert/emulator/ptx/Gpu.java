package io.culvert.emulator.ptx;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** A memory with an interpreter, and short ways to fill, launch and read. */
final class Gpu {
    static final List<ExecutionOrder> ORDERS =
            List.of(ExecutionOrder.FORWARD, ExecutionOrder.REVERSE, ExecutionOrder.shuffled(1));

    private static final Map<String, PtxModule> MODULES = new HashMap<>();

    final DeviceMemory memory = new DeviceMemory();
    final Interpreter interpreter = new Interpreter(memory);
    ExecutionOrder order = ExecutionOrder.FORWARD;

    Gpu() {}

    Gpu(ExecutionOrder order) {
        this.order = order;
    }

    /** A kernel of {@code src/test/resources/ptx/<file>.ptx}. */
    static PtxKernel kernel(String file, String name) {
        return MODULES.computeIfAbsent(file, f -> PtxModule.parse(text(f))).kernel(name);
    }

    static String text(String file) {
        try (InputStream in = Gpu.class.getResourceAsStream("/ptx/" + file + ".ptx")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    LaunchStats run(PtxKernel kernel, Dim3 grid, Dim3 block, int shared, Object... values) {
        return interpreter.run(Launch.of(kernel, grid, block, shared, values), order);
    }

    long empty(long bytes, String label) {
        return memory.allocate(bytes, label);
    }

    private long upload(MemorySegment data, String label) {
        long address = memory.allocate(data.byteSize(), label);
        memory.write(address, data);
        return address;
    }

    long put(String label, float... values) {
        return upload(MemorySegment.ofArray(values), label);
    }

    long put(String label, int... values) {
        return upload(MemorySegment.ofArray(values), label);
    }

    long put(String label, double... values) {
        return upload(MemorySegment.ofArray(values), label);
    }

    long put(String label, long... values) {
        return upload(MemorySegment.ofArray(values), label);
    }

    long put(String label, short... values) {
        return upload(MemorySegment.ofArray(values), label);
    }

    long put(String label, byte... values) {
        return upload(MemorySegment.ofArray(values), label);
    }

    float[] floats(long address, int count) {
        return memory.segment(address, 4L * count).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    int[] ints(long address, int count) {
        return memory.segment(address, 4L * count).toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }

    long[] longs(long address, int count) {
        return memory.segment(address, 8L * count).toArray(ValueLayout.JAVA_LONG_UNALIGNED);
    }

    double[] doubles(long address, int count) {
        return memory.segment(address, 8L * count).toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED);
    }

    short[] shorts(long address, int count) {
        return memory.segment(address, 2L * count).toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
    }

    /** Deterministic values in [-1, 1). */
    static float[] random(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextDouble() * 2 - 1);
        }
        return values;
    }
}
