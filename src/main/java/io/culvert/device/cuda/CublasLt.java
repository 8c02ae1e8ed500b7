package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.CulvertException;
import io.culvert.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;
import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Matrix products by cuBLASLt. A product is planned once per place in the tape: its algorithm is chosen then, never in a step. */
public final class CublasLt implements AutoCloseable {
    /** What NVIDIA recommends for Hopper; smaller GPUs need less. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final CudaContext context;

    CublasLt(CudaContext context) {
        this.context = context;
        try {
            NativeLibrary.CUBLASLT.open();
        } catch (NativeLibraryException e) {
            throw CulvertException.device(e, "%s", e.getMessage());
        }
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ADDRESS);
            check(cublaslt_h.cublasLtCreate(out), "cublasLtCreate");
            handle = out.get(ADDRESS, 0);
        }
    }

    /** One operand: row-major, {@code ld} elements from row to row, seen transposed where the product says so. */
    public record Operand(long address, boolean transposed, long ld) {
        public static Operand plain(long address, long ld) {
            return new Operand(address, false, ld);
        }

        public static Operand transposed(long address, long ld) {
            return new Operand(address, true, ld);
        }
    }

    /**
     * Plans {@code C = alpha op(A) op(B) + beta C (+ bias on each row)}, single precision, row-major.
     *
     * @param m rows of C and of op(A)
     * @param n columns of C and of op(B), and length of the bias
     * @param k columns of op(A)
     * @param bias address of n floats, or 0
     */
    public Matmul plan(long m, long n, long k, float alpha, Operand a, Operand b, float beta, long c, long ldc, long bias) {
        return new Matmul(m, n, k, alpha, a, b, beta, c, ldc, bias);
    }

    /** A planned product. */
    public final class Matmul {
        private final MemorySegment operation;
        private final MemorySegment[] layouts = new MemorySegment[3];
        private final MemorySegment algorithm;
        private final MemorySegment scalars;
        private final MemorySegment alpha;
        private final MemorySegment beta;
        private final MemorySegment first;
        private final MemorySegment second;
        private final MemorySegment result;
        private final MemorySegment workspace;
        private final String name;

        /** The library counts by columns: what is row-major here is its transpose there, and C^T = op(B)^T op(A)^T. */
        private Matmul(
                long m, long n, long k, float alpha, Operand a, Operand b, float beta, long c, long ldc, long bias) {
            name = "cublasLtMatmul(%d x %d x %d)".formatted(m, n, k);
            operation = operation(b.transposed(), a.transposed(), bias);
            layouts[0] = b.transposed() ? layout(k, n, b.ld()) : layout(n, k, b.ld());
            layouts[1] = a.transposed() ? layout(m, k, a.ld()) : layout(k, m, a.ld());
            layouts[2] = layout(n, m, ldc);
            scalars = arena.allocateFrom(JAVA_FLOAT, alpha, beta);
            this.alpha = scalars.asSlice(0, Float.BYTES);
            this.beta = scalars.asSlice(Float.BYTES, Float.BYTES);
            first = MemorySegment.ofAddress(b.address());
            second = MemorySegment.ofAddress(a.address());
            result = MemorySegment.ofAddress(c);
            workspace = MemorySegment.ofAddress(context.workspace(WORKSPACE_BYTES));
            algorithm = algorithm();
        }

        private MemorySegment operation(boolean transposeFirst, boolean transposeSecond, long bias) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(
                        cublaslt_h.cublasLtMatmulDescCreate(
                                out, cublaslt_h.CUBLAS_COMPUTE_32F(), cublaslt_h.CUDA_R_32F()),
                        "cublasLtMatmulDescCreate");
                MemorySegment desc = out.get(ADDRESS, 0);
                set(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_TRANSA(), operationOf(transposeFirst));
                set(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_TRANSB(), operationOf(transposeSecond));
                if (bias != 0) {
                    set(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_EPILOGUE(), cublaslt_h.CUBLASLT_EPILOGUE_BIAS());
                    MemorySegment pointer = call.allocateFrom(JAVA_LONG, bias);
                    check(
                            cublaslt_h.cublasLtMatmulDescSetAttribute(
                                    desc, cublaslt_h.CUBLASLT_MATMUL_DESC_BIAS_POINTER(), pointer, Long.BYTES),
                            "cublasLtMatmulDescSetAttribute(bias)");
                }
                return desc;
            }
        }

        private int operationOf(boolean transposed) {
            return transposed ? cublaslt_h.CUBLAS_OP_T() : cublaslt_h.CUBLAS_OP_N();
        }

        private void set(MemorySegment desc, int attribute, int value) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment bytes = call.allocateFrom(JAVA_INT, value);
                check(
                        cublaslt_h.cublasLtMatmulDescSetAttribute(desc, attribute, bytes, Integer.BYTES),
                        "cublasLtMatmulDescSetAttribute(" + attribute + ")");
            }
        }

        private MemorySegment layout(long rows, long columns, long ld) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(
                        cublaslt_h.cublasLtMatrixLayoutCreate(out, cublaslt_h.CUDA_R_32F(), rows, columns, ld),
                        "cublasLtMatrixLayoutCreate(%d x %d, ld %d)".formatted(rows, columns, ld));
                return out.get(ADDRESS, 0);
            }
        }

        private MemorySegment algorithm() {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(cublaslt_h.cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
                MemorySegment preference = out.get(ADDRESS, 0);
                MemorySegment bytes = call.allocateFrom(JAVA_LONG, WORKSPACE_BYTES);
                check(
                        cublaslt_h.cublasLtMatmulPreferenceSetAttribute(
                                preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(), bytes, Long.BYTES),
                        "cublasLtMatmulPreferenceSetAttribute");
                MemorySegment found = cublasLtMatmulHeuristicResult_t.allocate(arena);
                MemorySegment count = call.allocate(JAVA_INT);
                int status = cublaslt_h.cublasLtMatmulAlgoGetHeuristic(
                        handle, operation, layouts[0], layouts[1], layouts[2], layouts[2], preference, 1, found, count);
                check(cublaslt_h.cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
                check(status, "cublasLtMatmulAlgoGetHeuristic for " + name);
                if (count.get(JAVA_INT, 0) == 0) {
                    throw CulvertException.device("%s: cuBLASLt has no algorithm for it", name);
                }
                return cublasLtMatmulHeuristicResult_t.algo(found);
            }
        }

        /** Queues the product. */
        public void run() {
            int status = cublaslt_h.cublasLtMatmul(
                    handle, operation, alpha, first, layouts[0], second, layouts[1], beta, result, layouts[2], result,
                    layouts[2], algorithm, workspace, WORKSPACE_BYTES, context.stream().handle());
            if (status != 0) {
                check(status, name);
            }
            context.afterLaunch(name);
        }
    }

    private static void check(int status, String call) {
        if (status != 0) {
            String text = cublaslt_h.cublasLtGetStatusString(status).reinterpret(256).getString(0);
            throw CulvertException.device("%s: %s (%d)", call, text, status);
        }
    }

    /** Packed as {@code major * 10000 + minor * 100 + patch}. */
    static long version() {
        return cublaslt_h.cublasLtGetVersion();
    }

    /** Descriptors are small host objects that go with the process; the handle holds device memory. */
    @Override
    public void close() {
        check(cublaslt_h.cublasLtDestroy(handle), "cublasLtDestroy");
        arena.close();
    }
}
