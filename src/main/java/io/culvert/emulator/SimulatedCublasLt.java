package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.emulator.Operands.Type;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * libcublasLt: products of column-major matrices of floats or brain floats with sums in floats, with those epilogues that
 * {@code CublasLt} asks for. What cublasLt.h demands of their attributes is checked when an algorithm is asked for.
 */
@SuppressWarnings("unused") // functions bear their C names and are called from C
final class SimulatedCublasLt extends SimulatedLibrary {
    private static final int INVALID_VALUE = 7;
    private static final int EXECUTION_FAILED = 13;
    private static final int NOT_SUPPORTED = 15;
    private static final int VERSION = 130_100;

    private static final int COMPUTE_32F = 68;
    private static final int COMPUTE_32F_FAST_TF32 = 77;
    private static final int R_32F = 0;
    private static final int R_16BF = 14;

    /** TF32 keeps 10 of a float's 23 bits of fraction. */
    private static final int TF32_DROPS = 13;

    private static final int BATCH_COUNT = 5;
    private static final int BATCH_OFFSET = 6;

    private static final int TRANSA = 3;
    private static final int TRANSB = 4;
    private static final int EPILOGUE = 7;
    private static final int BIAS_POINTER = 8;
    private static final int AUX_POINTER = 11;
    private static final int AUX_LD = 12;
    private static final Set<Integer> OF_64_BITS = Set.of(BIAS_POINTER, AUX_POINTER, AUX_LD);
    private static final int OP_T = 1;

    /** Of the tanh form of GELU. */
    private static final double GELU_CUBIC = 0.044715;

    private static final int AUX_ALIGNMENT = 16;
    private static final int AUX_LD_MULTIPLE = 8;

    private static final int OPERANDS = 4;
    private static final int MIN_ALIGNMENT_A = 5;
    private static final int DEFAULT_ALIGNMENT = 256;
    private static final int ALGORITHM_BYTES = 64;
    private static final byte ALGORITHM_MARK = 0x5a;

    /** Epilogues by their numbers. The library applies them to {@code alpha op(A) op(B) + beta C} before it is rounded. */
    private enum Epilogue {
        DEFAULT(1, false, false),
        BIAS(4, true, false),
        GELU_BIAS(36, true, false),
        GELU_AUX_BIAS(164, true, true),
        DGELU(192, false, true),
        BGRADB(512, true, false);

        final int number;
        final boolean vector;
        final boolean aux;

        Epilogue(int number, boolean vector, boolean aux) {
            this.number = number;
            this.vector = vector;
            this.aux = aux;
        }

        static Epilogue of(long number) {
            return Arrays.stream(values())
                    .filter(epilogue -> epilogue.number == number)
                    .findFirst()
                    .orElseThrow(() -> new SimulatedError(NOT_SUPPORTED, "epilogue %d", number));
        }

        boolean addsBias() {
            return vector && this != BGRADB;
        }

        boolean gelu() {
            return this == GELU_BIAS || this == GELU_AUX_BIAS || this == DGELU;
        }
    }

    private final Handles handles = new Handles(0x7e10_0000_0000L, INVALID_VALUE);
    private final SimulatedDriver driver;
    private final Map<Integer, Integer> runs = new HashMap<>();
    private int refused = -1;

    private record Handle() {}

    private record Preference(Map<Integer, Long> attributes) {
        int alignment(int attribute) {
            return attributes.getOrDefault(attribute, (long) DEFAULT_ALIGNMENT).intValue();
        }
    }

    private record Operation(Map<Integer, Long> attributes, boolean tf32) {
        boolean transposed(int attribute) {
            return attributes.getOrDefault(attribute, 0L) == OP_T;
        }
    }

    private record Layout(Type type, long rows, long columns, long ld, Map<Integer, Long> attributes) {
        /** Of one matrix. */
        long elements() {
            return (columns - 1) * ld + rows;
        }

        int count() {
            return attributes.getOrDefault(BATCH_COUNT, 1L).intValue();
        }

        /** Bytes before a matrix of the batch. */
        long before(int matrix) {
            return matrix * attributes.getOrDefault(BATCH_OFFSET, 0L) * type.bytes;
        }
    }

    SimulatedCublasLt(SimulatedDriver driver) {
        this.driver = driver;
    }

    /** Offers no algorithm with the epilogue of this number from now on; -1 ends that. */
    void refuse(int epilogue) {
        refused = epilogue;
    }

    /** How often products were queued, by the number of their epilogue. */
    Map<Integer, Integer> runs() {
        return runs;
    }

    @Override
    int notSupported() {
        return NOT_SUPPORTED;
    }

    @Override
    int internalError() {
        return EXECUTION_FAILED;
    }

    public long cublasLtGetVersion() {
        return VERSION;
    }

    public long cublasLtGetCudartVersion() {
        return SimulatedDriver.CUDA_VERSION;
    }

    public MemorySegment cublasLtGetStatusString(int status) {
        return Arena.global().allocateFrom(lastError());
    }

    public int cublasLtCreate(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new Handle()));
        return 0;
    }

    public int cublasLtDestroy(MemorySegment handle) {
        handles.remove(handle, Handle.class);
        return 0;
    }

    public int cublasLtMatmulDescCreate(MemorySegment out, int compute, int scale) {
        if (compute != COMPUTE_32F && compute != COMPUTE_32F_FAST_TF32 || scale != R_32F) {
            throw new SimulatedError(NOT_SUPPORTED, "compute type %d, scale type %d", compute, scale);
        }
        out.set(ADDRESS, 0, handles.put(new Operation(new HashMap<>(), compute == COMPUTE_32F_FAST_TF32)));
        return 0;
    }

    public int cublasLtMatmulDescDestroy(MemorySegment operation) {
        handles.remove(operation, Operation.class);
        return 0;
    }

    public int cublasLtMatmulDescSetAttribute(MemorySegment operation, int attribute, MemorySegment value, long bytes) {
        boolean wide = OF_64_BITS.contains(attribute);
        if (!wide && attribute != TRANSA && attribute != TRANSB && attribute != EPILOGUE) {
            throw new SimulatedError(NOT_SUPPORTED, "attribute %d of an operation", attribute);
        }
        if (bytes != (wide ? Long.BYTES : Integer.BYTES)) {
            throw new SimulatedError(INVALID_VALUE, "attribute %d with %d bytes", attribute, bytes);
        }
        long given = wide ? value.get(JAVA_LONG, 0) : value.get(JAVA_INT, 0);
        if (attribute == EPILOGUE) {
            Epilogue.of(given);
        }
        handles.get(operation, Operation.class).attributes.put(attribute, given);
        return 0;
    }

    public int cublasLtMatrixLayoutCreate(MemorySegment out, int type, long rows, long columns, long ld) {
        if (type != R_32F && type != R_16BF) {
            throw new SimulatedError(NOT_SUPPORTED, "matrices of type %d", type);
        }
        if (rows <= 0 || columns <= 0 || ld < rows) {
            throw new SimulatedError(INVALID_VALUE, "a matrix of %d x %d with leading dimension %d", rows, columns, ld);
        }
        Type element = type == R_32F ? Type.FLOAT : Type.BFLOAT16;
        out.set(ADDRESS, 0, handles.put(new Layout(element, rows, columns, ld, new HashMap<>())));
        return 0;
    }

    public int cublasLtMatrixLayoutSetAttribute(MemorySegment layout, int attribute, MemorySegment value, long bytes) {
        if (attribute != BATCH_COUNT && attribute != BATCH_OFFSET) {
            throw new SimulatedError(NOT_SUPPORTED, "attribute %d of a matrix", attribute);
        }
        if (bytes != (attribute == BATCH_COUNT ? Integer.BYTES : Long.BYTES)) {
            throw new SimulatedError(INVALID_VALUE, "attribute %d of a matrix with %d bytes", attribute, bytes);
        }
        long given = attribute == BATCH_COUNT ? value.get(JAVA_INT, 0) : value.get(JAVA_LONG, 0);
        handles.get(layout, Layout.class).attributes.put(attribute, given);
        return 0;
    }

    public int cublasLtMatrixLayoutDestroy(MemorySegment layout) {
        handles.remove(layout, Layout.class);
        return 0;
    }

    public int cublasLtMatmulPreferenceCreate(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new Preference(new HashMap<>())));
        return 0;
    }

    public int cublasLtMatmulPreferenceDestroy(MemorySegment preference) {
        handles.remove(preference, Preference.class);
        return 0;
    }

    public int cublasLtMatmulPreferenceSetAttribute(
            MemorySegment preference, int attribute, MemorySegment value, long bytes) {
        handles.get(preference, Preference.class)
                .attributes
                .put(attribute, bytes == Integer.BYTES ? value.get(JAVA_INT, 0) : value.get(JAVA_LONG, 0));
        return 0;
    }

    public int cublasLtMatmulAlgoGetHeuristic(
            MemorySegment handle, MemorySegment operation, MemorySegment a, MemorySegment b, MemorySegment c,
            MemorySegment d, MemorySegment preference, int wanted, MemorySegment results, MemorySegment count) {
        handles.get(handle, Handle.class);
        Preference preferred = handles.get(preference, Preference.class);
        Product product = product(operation, a, b, c, d);
        if (product.epilogue.number == refused) {
            throw new SimulatedError(NOT_SUPPORTED, "a test refuses epilogue %s", product.epilogue);
        }
        results.asSlice(0, ALGORITHM_BYTES).fill(ALGORITHM_MARK);
        for (int i = 0; i < OPERANDS; i++) {
            results.set(JAVA_INT, (i + 1L) * Integer.BYTES, preferred.alignment(MIN_ALIGNMENT_A + i));
        }
        results.set(JAVA_LONG, ALGORITHM_BYTES, 0); // workspace
        results.set(JAVA_INT, ALGORITHM_BYTES + Long.BYTES, 0); // state: success
        count.set(JAVA_INT, 0, 1);
        return 0;
    }

    /** The extents of a product whose descriptors fit each other. */
    private record Product(
            Layout a, Layout b, Layout c, boolean transposeA, boolean transposeB, int m, int n, int k,
            Epilogue epilogue, long vector, long aux, long auxLd, boolean tf32) {}

    private Product product(
            MemorySegment operation, MemorySegment aDesc, MemorySegment bDesc, MemorySegment cDesc, MemorySegment dDesc) {
        Operation op = handles.get(operation, Operation.class);
        Layout a = handles.get(aDesc, Layout.class);
        Layout b = handles.get(bDesc, Layout.class);
        Layout c = handles.get(cDesc, Layout.class);
        boolean transposeA = op.transposed(TRANSA);
        boolean transposeB = op.transposed(TRANSB);
        long m = transposeA ? a.columns : a.rows;
        long k = transposeA ? a.rows : a.columns;
        long kb = transposeB ? b.columns : b.rows;
        long n = transposeB ? b.rows : b.columns;
        if (k != kb || c.rows != m || c.columns != n || !c.equals(handles.get(dDesc, Layout.class))) {
            throw new SimulatedError(INVALID_VALUE, "%s (%s) times %s (%s) is no %s", a, transposeA, b, transposeB, c);
        }
        if (a.type != b.type || a.type == Type.FLOAT && c.type != Type.FLOAT) {
            throw new SimulatedError(NOT_SUPPORTED, "%s times %s to %s", a.type, b.type, c.type);
        }
        Epilogue epilogue = Epilogue.of(op.attributes.getOrDefault(EPILOGUE, (long) Epilogue.DEFAULT.number));
        Product product = new Product(
                a, b, c, transposeA, transposeB, Math.toIntExact(m), Math.toIntExact(n), Math.toIntExact(k), epilogue,
                op.attributes.getOrDefault(BIAS_POINTER, 0L), op.attributes.getOrDefault(AUX_POINTER, 0L),
                op.attributes.getOrDefault(AUX_LD, 0L), op.tf32);
        if (a.count() != c.count() || b.count() != c.count() || c.count() > 1 && epilogue != Epilogue.DEFAULT) {
            throw new SimulatedError(
                    INVALID_VALUE, "%d times %d matrices to %d, epilogue %s", a.count(), b.count(), c.count(), epilogue);
        }
        checkEpilogue(product);
        return product;
    }

    /** The bias has the type of D, a saved matrix too; its leading dimension is a multiple of 8 (cublasLt.h, attributes 8 to 12). */
    private static void checkEpilogue(Product p) {
        if (p.epilogue.vector && (p.vector == 0 || p.vector % p.c.type.bytes != 0)) {
            throw new SimulatedError(INVALID_VALUE, "epilogue %s with a vector at 0x%x", p.epilogue, p.vector);
        }
        if (p.epilogue.aux && (p.aux == 0 || p.aux % AUX_ALIGNMENT != 0)) {
            throw new SimulatedError(INVALID_VALUE, "epilogue %s with a matrix at 0x%x", p.epilogue, p.aux);
        }
        if (p.epilogue.aux && (p.auxLd < p.c.rows || p.auxLd % AUX_LD_MULTIPLE != 0)) {
            throw new SimulatedError(
                    INVALID_VALUE, "epilogue %s for %d rows with leading dimension %d", p.epilogue, p.c.rows, p.auxLd);
        }
        if (p.epilogue.gelu() && p.a.type != p.c.type) {
            throw new SimulatedError(NOT_SUPPORTED, "epilogue %s from %s to %s", p.epilogue, p.a.type, p.c.type);
        }
    }

    public int cublasLtMatmul(
            MemorySegment handle, MemorySegment operation, MemorySegment alpha, MemorySegment a, MemorySegment aDesc,
            MemorySegment b, MemorySegment bDesc, MemorySegment beta, MemorySegment c, MemorySegment cDesc,
            MemorySegment d, MemorySegment dDesc, MemorySegment algorithm, MemorySegment workspace, long workspaceBytes,
            MemorySegment stream) {
        handles.get(handle, Handle.class);
        if (algorithm.address() == 0 || algorithm.get(JAVA_BYTE, 0) != ALGORITHM_MARK) {
            throw new SimulatedError(INVALID_VALUE, "the algorithm does not come from the heuristic");
        }
        MemorySegment[] operands = {a, b, c, d};
        for (int i = 0; i < OPERANDS; i++) {
            int promised = algorithm.get(JAVA_INT, (i + 1L) * Integer.BYTES);
            if (operands[i].address() % promised != 0) {
                throw new SimulatedError(
                        INVALID_VALUE, "operand %s at 0x%x, an alignment to %d bytes was promised", "ABCD".charAt(i),
                        operands[i].address(), promised);
            }
        }
        Product product = product(operation, aDesc, bDesc, cDesc, dDesc);
        float alphaValue = alpha.get(JAVA_FLOAT, 0);
        float betaValue = beta.get(JAVA_FLOAT, 0);
        long first = a.address();
        long second = b.address();
        long added = c.address();
        long result = d.address();
        runs.merge(product.epilogue.number, 1, Integer::sum);
        driver.queue(stream, "cublasLtMatmul", () -> {
            for (int i = 0; i < product.c.count(); i++) {
                long before = product.c.before(i);
                multiply(
                        product, alphaValue, first + product.a.before(i), second + product.b.before(i), betaValue,
                        added + before, result + before);
            }
        });
        return 0;
    }

    private static float[] factor(float[] values, boolean tf32) {
        for (int i = 0; tf32 && i < values.length; i++) {
            values[i] = Float.intBitsToFloat(Operands.rounded(values[i], TF32_DROPS));
        }
        return values;
    }

    private void multiply(Product p, float alpha, long a, long b, float beta, long c, long d) {
        Operands memory = new Operands(driver.memory(), "cublasLtMatmul");
        float[] first = factor(memory.read("A", a, p.a.elements(), p.a.type), p.tf32);
        float[] second = factor(memory.read("B", b, p.b.elements(), p.b.type), p.tf32);
        float[] added = beta == 0 ? null : memory.read("C", c, p.c.elements(), p.c.type);
        Operands.Output to = memory.write("D", d, p.c.elements(), p.c.type);
        int lda = (int) p.a.ld;
        int ldb = (int) p.b.ld;
        Finish finish = finish(memory, p);
        Operands.Output gradient =
                p.epilogue == Epilogue.BGRADB ? memory.write("bias gradient", p.vector, p.n, p.c.type) : null;
        double[] column = new double[p.m];
        for (int j = 0; j < p.n; j++) {
            Arrays.fill(column, 0);
            double sum = 0;
            for (int l = 0; l < p.k; l++) {
                double factor = p.transposeB ? second[l * ldb + j] : second[j * ldb + l];
                sum += factor;
                for (int i = 0; i < p.m; i++) {
                    column[i] += factor * (p.transposeA ? first[i * lda + l] : first[l * lda + i]);
                }
            }
            for (int i = 0; i < p.m; i++) {
                long at = j * p.c.ld + i;
                double before = beta == 0 ? 0 : beta * added[(int) at];
                to.set(at, finish.of(i, j, alpha * column[i] + before));
            }
            if (p.epilogue == Epilogue.BGRADB) {
                gradient.set(j, sum);
            }
        }
    }

    /** What becomes of an element on its way to D. */
    private interface Finish {
        double of(int row, int column, double value);
    }

    private static Finish finish(Operands memory, Product p) {
        float[] bias = p.epilogue.addsBias() ? memory.read("bias", p.vector, p.m, p.c.type) : new float[p.m];
        long saved = (p.n - 1) * p.auxLd + p.m;
        return switch (p.epilogue) {
            case DEFAULT, BGRADB -> (i, j, value) -> value;
            case BIAS -> (i, j, value) -> value + bias[i];
            case GELU_BIAS -> (i, j, value) -> gelu(value + bias[i]);
            case GELU_AUX_BIAS -> {
                Operands.Output aux = memory.write("aux", p.aux, saved, p.c.type);
                yield (i, j, value) -> {
                    aux.set(j * p.auxLd + i, value + bias[i]);
                    return gelu(value + bias[i]);
                };
            }
            case DGELU -> {
                float[] aux = memory.read("aux", p.aux, saved, p.c.type);
                yield (i, j, value) -> value * geluSlope(aux[(int) (j * p.auxLd + i)]);
            }
        };
    }

    private static double gelu(double x) {
        return x / 2 * (1 + geluTanh(x));
    }

    private static double geluSlope(double x) {
        double tanh = geluTanh(x);
        return (1 + tanh) / 2 + x / 2 * (1 - tanh * tanh) * Math.sqrt(2 / Math.PI) * (1 + 3 * GELU_CUBIC * x * x);
    }

    private static double geluTanh(double x) {
        return Math.tanh(Math.sqrt(2 / Math.PI) * (x + GELU_CUBIC * x * x * x));
    }
}
