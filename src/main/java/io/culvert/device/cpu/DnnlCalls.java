package io.culvert.device.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.bindings.load.NativeLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Functions of oneDNN that a step calls by the thousand, with addresses as numbers: a segment made for each call is not always
 * compiled away.
 */
final class DnnlCalls {
    private static final String SET_DATA = "dnnl_memory_set_data_handle";
    private static final String SGEMM = "dnnl_sgemm";

    private static final MethodHandle SET_DATA_HANDLE = handle(SET_DATA, ADDRESS, JAVA_LONG);
    private static final MethodHandle SGEMM_HANDLE = handle(
            SGEMM, JAVA_BYTE, JAVA_BYTE, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_FLOAT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
            JAVA_FLOAT, JAVA_LONG, JAVA_LONG);

    private DnnlCalls() {}

    private static MethodHandle handle(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(NativeLibrary.DNNL.symbol(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    static void setData(MemorySegment memory, long address) {
        try {
            OneDnn.check((int) SET_DATA_HANDLE.invokeExact(memory, address), SET_DATA);
        } catch (Throwable thrown) {
            throw Calls.rethrow(thrown);
        }
    }

    static void sgemm(
            char transA, char transB, long m, long n, long k, float alpha, long a, long lda, long b, long ldb, float beta, long c,
            long ldc) {
        try {
            int status = (int) SGEMM_HANDLE.invokeExact(
                    (byte) transA, (byte) transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
            OneDnn.check(status, SGEMM);
        } catch (Throwable thrown) {
            throw Calls.rethrow(thrown);
        }
    }
}
