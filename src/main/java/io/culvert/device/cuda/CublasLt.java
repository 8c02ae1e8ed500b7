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
import java.util.Optional;

/** Matrix products by cuBLASLt. A product is planned once per place in the tape: its algorithm is chosen then, never in a step. */
public final class CublasLt implements AutoCloseable {
    /** What NVIDIA recommends for Hopper; smaller GPUs need less. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    /** Behind the library's workspace, for {@link #scratch}: more than the widest bias that a model here has. */
    private static final long SCRATCH_BYTES = 1L << 20;

    private static final long MOST_ALIGNMENT = 256;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final CudaContext context;
    private final Map<Product, Choice> choices = new HashMap<>();

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

        /** The operand wherever it lies, but for its alignment, which the next ones of a batch share. */
        private Operand form(long stride) {
            return new Operand(alignment(address | stride * element.bytes), transposed, ld, element);
        }
    }

    /**
     * What happens to a product before it is stored. GELU is the tanh form (Hendrycks and Gimpel 2016, section 2).
     *
     * @param vector address of a packed vector of C's type, or 0: a bias for each column, or the gradient of one
     * @param saved address of a matrix that lies as C does, at a multiple of 16 bytes, or 0: what GELU is taken of
     */
    public record Epilogue(String name, int code, long vector, long saved) {
        public static final Epilogue NONE = new Epilogue("none", cublaslt_h.CUBLASLT_EPILOGUE_DEFAULT(), 0, 0);

        /** Row by row, {@code C = P + bias}; of no bias (0), {@link #NONE}. */
        public static Epilogue bias(long bias) {
            return bias == 0 ? NONE : new Epilogue("bias", cublaslt_h.CUBLASLT_EPILOGUE_BIAS(), bias, 0);
        }

        /** {@code C = gelu(P + bias)}, and {@code saved = P + bias} for the backward pass unless that is 0. */
        public static Epilogue biasGelu(long bias, long saved) {
            int code = saved == 0 ? cublaslt_h.CUBLASLT_EPILOGUE_GELU_BIAS() : cublaslt_h.CUBLASLT_EPILOGUE_GELU_AUX_BIAS();
            return new Epilogue("bias and GELU", code, bias, saved);
        }

        /**
         * {@code C = gelu'(saved) P}. The library can sum C's columns in passing (DGELU_BGRAD), but leaves the sums in C's
         * type, brain floats; {@link #biasGradient} leaves singles.
         */
        public static Epilogue geluBackward(long saved) {
            return new Epilogue("GELU backward", cublaslt_h.CUBLASLT_EPILOGUE_DGELU(), 0, saved);
        }

        /** {@code gradient[i]} becomes, whatever it was, the sum of row i of op(A): db where {@code dW = dy^T x}. */
        public static Epilogue biasGradient(long gradient) {
            // Of the library's B, which is our A.
            return new Epilogue("bias gradient", cublaslt_h.CUBLASLT_EPILOGUE_BGRADB(), gradient, 0);
        }

        /** Whether GELU's input, with {@code columns} to a row, can be saved: the library wants a multiple of 8. */
        public static boolean saves(int columns) {
            return columns % 8 == 0;
        }

        private Epilogue form() {
            return new Epilogue(name, code, alignment(vector), alignment(saved));
        }
    }

    /**
     * How many matrices each operand is.
     *
     * @param a elements from one A to the next, as b and c
     */
    public record Batch(int count, long a, long b, long c) {
        static final Batch ONE = new Batch(1, 0, 0, 0);
    }

    /**
     * {@code C = epilogue(alpha op(A) op(B) + beta C)}, row-major, with sums in single precision; or another matrix added in place of
     * {@code beta C}.
     *
     * @param m rows of C and of op(A)
     * @param n columns of C and of op(B)
     * @param k columns of op(A)
     * @param a of one type with b; c has the same or is of floats
     * @param added a matrix like c, or c itself
     */
    public record Product(
            long m, long n, long k, float alpha, Operand a, Operand b, float beta, Operand added, Operand c, Epilogue epilogue,
            Batch batch) {
        /** Of one matrix each, without an epilogue. */
        public Product(long m, long n, long k, float alpha, Operand a, Operand b, float beta, Operand c) {
            this(m, n, k, alpha, a, b, beta, c, c, Epilogue.NONE, Batch.ONE);
        }

        /** With the matrix at an address, which lies as c does, in place of {@code beta C}. */
        public Product plus(long address) {
            return new Product(m, n, k, alpha, a, b, 1, new Operand(address, c.transposed, c.ld, c.element), c, epilogue, batch);
        }

        public Product with(Epilogue other) {
            return new Product(m, n, k, alpha, a, b, beta, added, c, other, batch);
        }

        /** Of many matrices each, whose first the operands are; without an epilogue. */
        public Product times(Batch other) {
            return new Product(m, n, k, alpha, a, b, beta, added, c, epilogue, other);
        }

        /** All that the choice of an algorithm depends on: equal layers of a network ask once. */
        private Product form() {
            return new Product(
                    m, n, k, 1, a.form(batch.a), b.form(batch.b), beta == 0 ? 0 : 1, added.form(batch.c), c.form(batch.c),
                    epilogue.form(), batch);
        }

        @Override
        public String toString() {
            return "cublasLtMatmul(%d x %d x %d, %s, epilogue: %s)".formatted(m, n, k, a.element, epilogue.name);
        }
    }

    /**
     * Plans a product.
     *
     * @throws CulvertException (device) if the library has no algorithm for it
     */
    public Matmul plan(Product product) {
        Matmul planned = new Matmul(product);
        if (planned.choice.algorithm == null) {
            throw CulvertException.device("%s: %s", product, planned.choice.refusal);
        }
        return planned;
    }

    /** Plans a product that can be done another way: empty, after a line to the user, if the library has no algorithm for it. */
    public Optional<Matmul> planIfOffered(Product product) {
        Matmul planned = new Matmul(product);
        if (planned.choice.algorithm != null) {
            return Optional.of(planned);
        }
        if (!planned.known) {
            System.err.printf("culvert: note: %s: %s: our own kernels do it%n", product, planned.choice.refusal);
        }
        return Optional.empty();
    }

    /** Singles that an epilogue may write and the next kernel must read: the products that follow write there too. */
    public long scratch(int count) {
        return context.workspace(WORKSPACE_BYTES + Math.max(SCRATCH_BYTES, (long) count * Float.BYTES)) + WORKSPACE_BYTES;
    }

    private static long alignment(long address) {
        return Math.min(MOST_ALIGNMENT, Long.lowestOneBit(address));
    }

    /** What the library answered: an algorithm, or why there is none (null otherwise). */
    private record Choice(MemorySegment algorithm, String refusal) {}

    /** A planned product. */
    public final class Matmul {
        private final MemorySegment operation;
        private final MemorySegment[] layouts = new MemorySegment[3];
        private final Choice choice;
        private final boolean known;
        private final MemorySegment alpha;
        private final MemorySegment beta;
        private final MemorySegment first;
        private final MemorySegment second;
        private final MemorySegment added;
        private final MemorySegment result;
        private final MemorySegment workspace;
        private final String name;

        /** The library counts by columns: what is row-major here is its transpose there, and C^T = op(B)^T op(A)^T. */
        private Matmul(Product p) {
            name = p.toString();
            operation = operation(p);
            int count = p.batch.count;
            layouts[0] = p.b.transposed ? layout(p.k, p.n, p.b, count, p.batch.b) : layout(p.n, p.k, p.b, count, p.batch.b);
            layouts[1] = p.a.transposed ? layout(p.m, p.k, p.a, count, p.batch.a) : layout(p.k, p.m, p.a, count, p.batch.a);
            layouts[2] = layout(p.n, p.m, p.c, count, p.batch.c);
            MemorySegment scalars = arena.allocateFrom(JAVA_FLOAT, p.alpha, p.beta);
            alpha = scalars.asSlice(0, Float.BYTES);
            beta = scalars.asSlice(Float.BYTES, Float.BYTES);
            first = MemorySegment.ofAddress(p.b.address);
            second = MemorySegment.ofAddress(p.a.address);
            added = MemorySegment.ofAddress(p.added.address);
            result = MemorySegment.ofAddress(p.c.address);
            workspace = MemorySegment.ofAddress(context.workspace(WORKSPACE_BYTES + SCRATCH_BYTES));
            Product form = p.form();
            known = choices.containsKey(form);
            choice = choices.computeIfAbsent(form, this::choose);
        }

        private MemorySegment operation(Product p) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(
                        cublaslt_h.cublasLtMatmulDescCreate(out, computeType(), cublaslt_h.CUDA_R_32F()),
                        "cublasLtMatmulDescCreate");
                MemorySegment desc = out.get(ADDRESS, 0);
                set(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_TRANSA(), operationOf(p.b.transposed));
                set(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_TRANSB(), operationOf(p.a.transposed));
                set(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_EPILOGUE(), p.epilogue.code);
                if (p.epilogue.vector != 0) {
                    setLong(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_BIAS_POINTER(), p.epilogue.vector);
                }
                if (p.epilogue.saved != 0) {
                    setLong(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER(), p.epilogue.saved);
                    setLong(desc, cublaslt_h.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD(), p.c.ld);
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
                set(desc, attribute, call.allocateFrom(JAVA_INT, value));
            }
        }

        private void setLong(MemorySegment desc, int attribute, long value) {
            try (Arena call = Arena.ofConfined()) {
                set(desc, attribute, call.allocateFrom(JAVA_LONG, value));
            }
        }

        private void set(MemorySegment desc, int attribute, MemorySegment value) {
            check(
                    cublaslt_h.cublasLtMatmulDescSetAttribute(desc, attribute, value, value.byteSize()),
                    "cublasLtMatmulDescSetAttribute(" + attribute + ")");
        }

        private MemorySegment layout(long rows, long columns, Operand operand, int count, long stride) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(
                        cublaslt_h.cublasLtMatrixLayoutCreate(
                                out, operand.element().cublas, rows, columns, operand.ld()),
                        "cublasLtMatrixLayoutCreate(%d x %d, ld %d)".formatted(rows, columns, operand.ld()));
                MemorySegment layout = out.get(ADDRESS, 0);
                if (count > 1) {
                    batch(layout, cublaslt_h.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT(), call.allocateFrom(JAVA_INT, count));
                    batch(
                            layout, cublaslt_h.CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET(),
                            call.allocateFrom(JAVA_LONG, stride));
                }
                return layout;
            }
        }

        private static void batch(MemorySegment layout, int attribute, MemorySegment value) {
            check(
                    cublaslt_h.cublasLtMatrixLayoutSetAttribute(layout, attribute, value, value.byteSize()),
                    "cublasLtMatrixLayoutSetAttribute(" + attribute + ")");
        }

        private Choice choose(Product form) {
            try (Arena call = Arena.ofConfined()) {
                MemorySegment out = call.allocate(ADDRESS);
                check(cublaslt_h.cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
                MemorySegment preference = out.get(ADDRESS, 0);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(), WORKSPACE_BYTES, Long.BYTES);
                // Unless told, the library takes every operand to lie at a multiple of 256 bytes.
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES(), form.b.address, Integer.BYTES);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES(), form.a.address, Integer.BYTES);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES(), form.added.address, Integer.BYTES);
                prefer(preference, cublaslt_h.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES(), form.c.address, Integer.BYTES);
                MemorySegment found = cublasLtMatmulHeuristicResult_t.allocate(arena);
                MemorySegment count = call.allocate(JAVA_INT);
                int status = cublaslt_h.cublasLtMatmulAlgoGetHeuristic(
                        handle, operation, layouts[0], layouts[1], layouts[2], layouts[2], preference, 1, found, count);
                String refusal = status == 0 ? "cuBLASLt has no algorithm for it" : text(status);
                check(cublaslt_h.cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
                if (status != 0 && status != cublaslt_h.CUBLAS_STATUS_NOT_SUPPORTED()
                        && status != cublaslt_h.CUBLAS_STATUS_INVALID_VALUE()) {
                    throw CulvertException.device("cublasLtMatmulAlgoGetHeuristic for %s: %s", name, refusal);
                }
                return status != 0 || count.get(JAVA_INT, 0) == 0
                        ? new Choice(null, refusal)
                        : new Choice(cublasLtMatmulHeuristicResult_t.algo(found), null);
            }
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
                    handle, operation, alpha, first, layouts[0], second, layouts[1], beta, added, layouts[2], result,
                    layouts[2], choice.algorithm, workspace, WORKSPACE_BYTES, context.stream().handle());
            if (status != 0) {
                check(status, name);
            }
            context.afterLaunch(name);
        }
    }

    private static void check(int status, String call) {
        if (status != 0) {
            throw CulvertException.device("%s: %s", call, text(status));
        }
    }

    private static String text(int status) {
        return "%s (%d)".formatted(cublaslt_h.cublasLtGetStatusString(status).reinterpret(256).getString(0), status);
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
