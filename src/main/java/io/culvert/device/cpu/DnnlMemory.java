package io.culvert.device.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.bindings.load.NativeLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A oneDNN memory object: a descriptor that can be pointed at any data of its layout. */
public final class DnnlMemory {
    private static final String SET_DATA = "dnnl_memory_set_data_handle";

    /** Takes the address as a number: a segment made for each call, thousands a step, is not always compiled away. */
    private static final MethodHandle SET = Linker.nativeLinker()
            .downcallHandle(NativeLibrary.DNNL.symbol(SET_DATA), FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));

    private final MemorySegment handle;
    private long address;

    DnnlMemory(MemorySegment handle) {
        this.handle = handle;
    }

    MemorySegment handle() {
        return handle;
    }

    void pointAt(MemorySegment data) {
        pointAt(data.address());
    }

    void pointAt(long data) {
        if (data != address) {
            OneDnn.check(set(data), SET_DATA);
            address = data;
        }
    }

    private int set(long data) {
        try {
            return (int) SET.invokeExact(handle, data);
        } catch (Throwable thrown) {
            throw Calls.rethrow(thrown);
        }
    }
}
