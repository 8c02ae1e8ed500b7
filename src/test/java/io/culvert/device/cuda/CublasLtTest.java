package io.culvert.device.cuda;

import static io.culvert.device.cuda.CublasLt.Operand.plain;
import static io.culvert.device.cuda.CublasLt.Operand.transposed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import io.culvert.CulvertException;
import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.device.cuda.CublasLt.Batch;
import io.culvert.device.cuda.CublasLt.Epilogue;
import io.culvert.device.cuda.CublasLt.Product;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each epilogue against plain loops, and what the library refuses: on the emulator. */
class CublasLtTest {
    private static final double STEP = 1e-5;
    /** What a vector holds that must be overwritten. */
    private static final float BEFORE = 1000;

    private final SplittableRandom random = new SplittableRandom(3);
    private Emulator emulator;
    private CudaContext cuda;

    @BeforeEach
    void open() {
        emulator = TestEmulator.install();
        cuda = CudaContext.open(0, false);
    }

    @AfterEach
    void nothingIsLeft() {
        if (cuda != null) {
            emulator.refuseEpilogue(-1);
            cuda.close();
            assertThat(emulator.leaks()).as("not given back").isEmpty();
        }
    }

    /** Numbers on the GPU and what they were before the first product, as the GPU holds them. */
    private final class Matrix {
        final Element element;
        final long address;
        final double[] values;

        Matrix(int count, Element element) {
            this(random.doubles(count, -1, 1).toArray(), element);
        }

        Matrix(double[] given, Element element) {
            this.element = element;
            values = given;
            address = cuda.allocate("test", (long) given.length * element.bytes);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment raw = arena.allocate((long) given.length * element.bytes);
                for (int i = 0; i < given.length; i++) {
                    // The upper half of a single is a brain float: exact after this, so that only results are rounded.
                    int bits = Float.floatToRawIntBits((float) given[i]) & 0xffff0000;
                    values[i] = Float.intBitsToFloat(bits);
                    if (element == Element.FLOAT) {
                        raw.setAtIndex(ValueLayout.JAVA_INT, i, bits);
                    } else {
                        raw.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
                    }
                }
                cuda.stream().copyToDevice(address, raw);
                cuda.stream().synchronize();
            }
        }

        double[] now() {
            double[] now = new double[values.length];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment raw = arena.allocate((long) now.length * element.bytes);
                cuda.stream().copyToHost(raw, address);
                cuda.stream().synchronize();
                for (int i = 0; i < now.length; i++) {
                    now[i] = element == Element.FLOAT
                            ? raw.getAtIndex(ValueLayout.JAVA_FLOAT, i)
                            : Float.intBitsToFloat(raw.getAtIndex(ValueLayout.JAVA_SHORT, i) << 16);
                }
            }
            return now;
        }

        void mustBe(String what, double[] want) {
            // Half a unit in the last place of either type, and as much again for a value below one.
            double precision = element == Element.FLOAT ? 0x1p-23 : 0x1p-8;
            double[] got = now();
            for (int i = 0; i < want.length; i++) {
                assertThat(got[i]).as("%s[%d]", what, i).isCloseTo(want[i], offset(precision * Math.max(0.5, Math.abs(want[i]))));
            }
        }
    }

    /** Row-major {@code a [m, k] b [k, n]}. */
    private static double[] product(double[] a, double[] b, int m, int n, int k) {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                for (int l = 0; l < k; l++) {
                    c[i * n + j] += a[i * k + l] * b[l * n + j];
                }
            }
        }
        return c;
    }

    private static double gelu(double x) {
        return x / (1 + Math.exp(-Math.sqrt(8 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    private static double geluSlope(double x) {
        return (gelu(x + STEP) - gelu(x - STEP)) / (2 * STEP);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 8, 1, FLOAT", "33, 48, 31, FLOAT", "3, 1000, 5, FLOAT", "1, 8, 1, BFLOAT16", "33, 48, 31, BFLOAT16",
        "197, 8, 33, BFLOAT16", "3, 1000, 5, BFLOAT16"
    })
    void biasAndGeluBothWays(int m, int n, int k, Element element) {
        Matrix a = new Matrix(m * k, element);
        Matrix b = new Matrix(k * n, element);
        Matrix bias = new Matrix(n, element);
        Matrix saved = new Matrix(m * n, element);
        Matrix c = new Matrix(m * n, element);
        Product forward = new Product(
                m, n, k, 1, plain(a.address, k).of(element), plain(b.address, n).of(element), 0,
                plain(c.address, n).of(element)).with(Epilogue.biasGelu(bias.address, saved.address));
        cuda.blas().plan(forward).run();
        double[] before = product(a.values, b.values, m, n, k);
        double[] after = new double[m * n];
        for (int i = 0; i < m * n; i++) {
            before[i] += bias.values[i % n];
            after[i] = gelu(before[i]);
        }
        saved.mustBe("saved", before);
        c.mustBe("c", after);

        cuda.blas().plan(forward.with(Epilogue.geluBackward(saved.address))).run();
        double[] slopes = saved.now();
        double[] gradient = product(a.values, b.values, m, n, k);
        for (int i = 0; i < m * n; i++) {
            gradient[i] *= geluSlope(slopes[i]);
        }
        c.mustBe("gradient", gradient);
    }

    /** Of nothing saved no width is refused. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, BFLOAT16", "31, 33, 7, BFLOAT16", "5, 197, 3, FLOAT"})
    void biasAndGeluForward(int m, int n, int k, Element element) {
        Matrix a = new Matrix(m * k, element);
        Matrix b = new Matrix(k * n, element);
        Matrix bias = new Matrix(n, element);
        Matrix c = new Matrix(m * n, element);
        cuda.blas().plan(new Product(
                m, n, k, 1, plain(a.address, k).of(element), plain(b.address, n).of(element), 0,
                plain(c.address, n).of(element)).with(Epilogue.biasGelu(bias.address, 0))).run();
        double[] want = product(a.values, b.values, m, n, k);
        for (int i = 0; i < want.length; i++) {
            want[i] = gelu(want[i] + bias.values[i % n]);
        }
        c.mustBe("c", want);
    }

    /** A residual connection: what is added stays as it was, and the result's old values do not count. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, FLOAT", "31, 33, 7, FLOAT", "31, 33, 7, BFLOAT16", "197, 8, 33, BFLOAT16"})
    void biasAndAnotherMatrix(int m, int n, int k, Element element) {
        Matrix a = new Matrix(m * k, element);
        Matrix b = new Matrix(k * n, element);
        Matrix bias = new Matrix(n, element);
        Matrix added = new Matrix(m * n, element);
        Matrix c = new Matrix(m * n, element);
        cuda.blas().plan(new Product(
                        m, n, k, 1, plain(a.address, k).of(element), plain(b.address, n).of(element), 0,
                        plain(c.address, n).of(element))
                .plus(added.address)
                .with(Epilogue.bias(bias.address))).run();
        double[] want = product(a.values, b.values, m, n, k);
        for (int i = 0; i < want.length; i++) {
            want[i] += bias.values[i % n] + added.values[i];
        }
        c.mustBe("c", want);
        added.mustBe("added", added.values);
    }

    /** Heads of a projection: A's and C's matrices lie side by side, B's one after the other. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 2, FLOAT", "31, 33, 7, 3, FLOAT", "31, 33, 7, 3, BFLOAT16", "5, 8, 64, 12, BFLOAT16"})
    void manyMatrices(int m, int n, int k, int count, Element element) {
        Matrix a = new Matrix(m * k * count, element);
        Matrix b = new Matrix(k * n * count, element);
        Matrix c = new Matrix(m * n * count, element);
        cuda.blas().plan(new Product(
                        m, n, k, 1, plain(a.address, (long) count * k).of(element), plain(b.address, n).of(element), 1,
                        plain(c.address, (long) count * n).of(element))
                .times(new Batch(count, k, (long) k * n, n))).run();
        double[] want = c.values.clone();
        for (int i = 0; i < want.length; i++) {
            int row = i / (count * n);
            int matrix = i / n % count;
            for (int j = 0; j < k; j++) {
                want[i] += a.values[(row * count + matrix) * k + j] * b.values[(matrix * k + j) * n + i % n];
            }
        }
        c.mustBe("c", want);
    }

    /** The weight's gradient accumulates, the bias's is overwritten, and stays in singles. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, FLOAT", "31, 33, 197, FLOAT", "1000, 3, 31, FLOAT", "1, 1, 1, BFLOAT16", "31, 33, 197, BFLOAT16"})
    void biasGradient(int out, int in, int rows, Element element) {
        Matrix dy = new Matrix(rows * out, element);
        Matrix x = new Matrix(rows * in, element);
        Matrix dweight = new Matrix(out * in, Element.FLOAT);
        Matrix dbias = new Matrix(random.doubles(out, BEFORE, 2 * BEFORE).toArray(), Element.FLOAT);
        cuda.blas().plan(new Product(
                out, in, rows, 1, transposed(dy.address, out).of(element), plain(x.address, in).of(element), 1,
                plain(dweight.address, in)).with(Epilogue.biasGradient(dbias.address))).run();
        double[] weights = dweight.values.clone();
        double[] sums = new double[out];
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out; o++) {
                sums[o] += dy.values[r * out + o];
                for (int i = 0; i < in; i++) {
                    weights[o * in + i] += dy.values[r * out + o] * x.values[r * in + i];
                }
            }
        }
        dweight.mustBe("dweight", weights);
        dbias.mustBe("dbias", sums);
    }

    private Product small(int n, Epilogue epilogue) {
        Matrix memory = new Matrix(64 * n, Element.BFLOAT16);
        return new Product(
                2, n, 4, 1, plain(memory.address, 4).of(Element.BFLOAT16), plain(memory.address, n).of(Element.BFLOAT16), 0,
                plain(memory.address, n).of(Element.BFLOAT16)).with(epilogue);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 12, 31, 197})
    void anInputOfGeluIsSavedInRowsOfEights(int n) {
        Matrix memory = new Matrix(1024, Element.BFLOAT16);
        assertThat(Epilogue.saves(n)).isFalse();
        for (Epilogue epilogue : new Epilogue[] {
            Epilogue.biasGelu(memory.address, memory.address), Epilogue.geluBackward(memory.address)
        }) {
            Product product = small(n, epilogue);
            assertThatThrownBy(() -> cuda.blas().plan(product))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("for %d rows with leading dimension %d", n, n);
        }
    }

    @Test
    void anInputOfGeluIsSavedAtSixteens() {
        Matrix memory = new Matrix(1024, Element.BFLOAT16);
        Product product = small(8, Epilogue.geluBackward(memory.address + 8));
        assertThat(cuda.blas().planIfOffered(product)).isEmpty();
        assertThatThrownBy(() -> cuda.blas().plan(product))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("2 x 8 x 4, BFLOAT16, epilogue: GELU backward")
                .hasMessageContaining("DGELU with a matrix at");
    }

    @Test
    void anEpilogueThatTheLibraryDoesNotKnowIsRefused() {
        Epilogue sums = new Epilogue("GELU backward and sums", cublaslt_h.CUBLASLT_EPILOGUE_DGELU_BGRAD(), 0, 0);
        assertThatThrownBy(() -> cuda.blas().plan(small(8, sums)))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("epilogue 208");
    }

    @Test
    void aVectorIsNeeded() {
        assertThatThrownBy(() -> cuda.blas().plan(small(8, Epilogue.biasGradient(0))))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("BGRADB with a vector at 0x0");
    }

    /** What was answered for a shape holds: the library is not asked again. */
    @Test
    void aShapeIsAskedForOnce() {
        Matrix memory = new Matrix(64, Element.BFLOAT16);
        Epilogue epilogue = Epilogue.biasGelu(memory.address, 0);
        int number = cublaslt_h.CUBLASLT_EPILOGUE_GELU_BIAS();
        Product eight = small(8, epilogue);
        Product sixteen = small(16, epilogue);
        assertThat(cuda.blas().planIfOffered(eight)).isPresent();
        emulator.refuseEpilogue(number);
        assertThat(cuda.blas().planIfOffered(eight)).isPresent();
        assertThat(cuda.blas().planIfOffered(sixteen)).isEmpty();
        emulator.refuseEpilogue(-1);
        assertThat(cuda.blas().planIfOffered(sixteen)).isEmpty();
        Map<Integer, Integer> before = emulator.epilogueRuns();
        cuda.blas().plan(eight).run();
        cuda.stream().synchronize();
        assertThat(emulator.epilogueRuns().get(number)).isEqualTo(before.getOrDefault(number, 0) + 1);
    }

    /** Biases of usual widths share one place; for a wider one all that is promised can be written. */
    @Test
    void scratchGrowsWithWhatIsAskedFor() {
        long narrow = cuda.blas().scratch(31);
        assertThat(cuda.blas().scratch(1000)).isEqualTo(narrow);
        int wide = 1 << 19;
        long grown = cuda.blas().scratch(wide);
        cuda.stream().zero(grown, (long) wide * Float.BYTES);
        cuda.stream().synchronize();
        assertThat(grown % 256).isZero();
    }
}
