package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.ToIntFunction;

/** The tables by which the kernels of {@code kernels/optim.cu} find parameters in a slab. */
final class CudaSegments {
    private static final int INTS = 3;

    private CudaSegments() {}

    /** Of each parameter its first element, its length and a mark: int {@code [count, 3]}. */
    static long table(CudaContext cuda, ParameterStore store, ToIntFunction<Parameter> mark) {
        List<Parameter> parameters = store.parameters();
        int[] table = new int[INTS * parameters.size()];
        for (int i = 0; i < parameters.size(); i++) {
            Parameter parameter = parameters.get(i);
            table[INTS * i] = Groups.first(store, parameter);
            table[INTS * i + 1] = Math.toIntExact(parameter.value().shape().count());
            table[INTS * i + 2] = mark.applyAsInt(parameter);
        }
        try (Arena call = Arena.ofConfined()) {
            return copy(cuda, "parameter table", call.allocateFrom(ValueLayout.JAVA_INT, table));
        }
    }

    /** The group of each chunk of the slab: bytes. */
    static long chunks(CudaContext cuda, ParameterStore store, Groups groups) {
        try (Arena call = Arena.ofConfined()) {
            return copy(cuda, "parameter groups", call.allocateFrom(ValueLayout.JAVA_BYTE, groups.chunks(store)));
        }
    }

    private static long copy(CudaContext cuda, String purpose, MemorySegment host) {
        long table = cuda.allocate(purpose, host.byteSize());
        cuda.stream().copyToDevice(table, host);
        return table;
    }
}
