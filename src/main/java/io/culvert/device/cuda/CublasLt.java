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
import java.util.HashMap;
import java.util.Map;

/** Matrix products by cuBLASLt. A product is planned once per place in the tape: its algorithm is chosen then, never in a step. */
public final class CublasLt implements AutoCloseable {
    /** What NVIDIA recommends for Hopper; smaller GPUs need less. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    private static final long MOST_ALIGNMENT = 256;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final CudaContext context;
    private final Map<Choice, MemorySegment> algorithms = new HashMap<>();

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
    public record Operand(long address, boolean transposed, long ld, Element element) {
        /** Of floats. */
        public static Operand plain(long address, long ld) {
            return new Operand(address, false, ld, Element.FLOAT);
        }

        /** Of floats. */
        public static Operand transposed(long address, long ld) {
            return new Operand(address, true, ld, Element.FLOAT);
        }

        public Operand of(Element type) {
            return new Operand(address, transposed, ld, type);
        }

        /** The operand wherever it lies. */
        private Operand form() {
            return new Operand(0, transposed, ld, element);
        }
    }

    /** As the other {@code plan}, with a C of floats. */
    public Matmul plan(long m, long n, long k, float alpha, Operand a, Operand b, float beta, long c, long ldc, long bias) {
        return plan(m, n, k, alpha, a, b, beta, Operand.plain(c, ldc), bias);
    }

    /**
     * Plans {@code C = alpha op(A) op(B) + beta C (+ bias on each row)}, row-major, with sums in single precision.
     *
     * @param m rows of C and of op(A)
     * @param n columns of C and of op(B), and length of the bias
     * @param k columns of op(A)
     * @param a of one type with b; c has the same or is of floats
     * @param bias address of n elements of C's type, or 0
     */
    public Matmul plan(long m, long n, long k, float alpha, Operand a, Operand b, float beta, Operand c, long bias) {
        return new Matmul(m, n, k, alpha, a, b, beta, c, bias);
    }

    /** All that the choice of an algorithm depends on: equal layers of a network ask once. */
    private record Choice(
            long m, long n, long k, Operand a, Operand b, Operand c, boolean bias, boolean accumulates,
            long alignmentOfA, long alignmentOfB, long alignmentOfC) {}

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
                long m, long n, long k, float alpha, Operand a, Operand b, float beta, Operand c, long bias) {
            name = "cublasLtMatmul(%d x %d x %d, %s)".formatted(m, n, k, a.element());
            operation = operation(b.transposed(), a.transposed(), bias);
            layouts[0] = b.transposed() ? layout(k, n, b) : layout(n, k, b);
            layouts[1] = a.transposed() ? layout(m, k, a) : layout(k, m, a);
            layouts[2] = layout(n, m, c);
            scalars = arena.allocateFrom(JAVA_FLOAT, alpha, beta);
            this.alpha = scalars.asSlice(0, Float.BYTES);
            this.beta = scalars.asSlice(Float.BYTES, Float.BYTES);
            first = MemorySegment.ofAddress(b.address());
            second = MemorySegment.ofAddress(a.address());
            result = MemorySegment.ofAddress(c.address());
            workspace = MemorySegment.ofAddress(context.workspace(WORKSPACE_BYTES));
            Choice choice = new Choice(
                    m, n, k, a.form(), b.form(), c.form(), bias != 0, beta != 0, alignment(first), alignment(second),
                    alignment(result));
            algorithm = algorithms.computeIfAbsent(choice, key -> algorithm());
        }

        private MemorySegment operation(boolean transposeFirst, boolean transposeSecond, long bias) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(
                        cublaslt_h.cublasLtMatmulDescCreate(out, computeType(), cublaslt_h.CUDA_R_32F()),
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

        private int computeType() {
            return context.tf32() ? cublaslt_h.CUBLAS_COMPUTE_32F_FAST_TF32() : cublaslt_h.CUBLAS_COMPUTE_32F();
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

        private MemorySegment layout(long rows, long columns, Operand operand) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(
                        cublaslt_h.cublasLtMatrixLayoutCreate(
                                out, operand.element().cublas, rows, columns, operand.ld()),
                        "cublasLtMatrixLayoutCreate(%d x %d, ld %d)".formatted(rows, columns, operand.ld()));
                return out.get(ADDRESS, 0);
            }
        }

        private MemorySegment algorithm() {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(cublaslt_h.cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
                MemorySegment preference = out.get(ADDRESS, 0);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(), WORKSPACE_BYTES, Long.BYTES);
                // Unless told, the library takes every operand to lie at a multiple of 256 bytes.
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES(), alignment(first), Integer.BYTES);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES(), alignment(second), Integer.BYTES);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES(), alignment(result), Integer.BYTES);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES(), alignment(result), Integer.BYTES);
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

        private static long alignment(MemorySegment operand) {
            return Math.min(MOST_ALIGNMENT, Long.lowestOneBit(operand.address()));
        }

        private static void prefer(MemorySegment preference, int attribute, long value, long bytes) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment given = call.allocateFrom(JAVA_LONG, value);
                check(
                        cublaslt_h.cublasLtMatmulPreferenceSetAttribute(preference, attribute, given, bytes),
                        "cublasLtMatmulPreferenceSetAttribute(" + attribute + ")");
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
