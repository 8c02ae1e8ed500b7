package io.culvert.device.cuda;

import io.culvert.CounterRng;
import io.culvert.profile.Ceilings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;

/** Measures what a GPU gives at best: a large product by cuBLASLt, a copy on the device, and what a launch takes the host. */
public final class CudaCeilings {
    /** The best of so many: clocks rise and fall. */
    private static final int ROUNDS = 12;
    /** Runs before, in which libraries load their kernels and clocks rise. */
    private static final int WARM_UP = 3;
    /** How often sizes are halved where memory is short. */
    private static final int HALVINGS = 3;
    /** Fewer than a queue holds, so that the host does not wait for the device. */
    private static final int LAUNCHES = 400;
    private static final int PATTERN_BYTES = 1 << 20;
    private static final double MIB = 1 << 20;

    private CudaCeilings() {}

    /** Sizes to begin with; each is halved up to three times until it takes no more than half of the free memory. */
    public record Sizes(int product, long copied) {
        /** A product of 8192x8192 and a copy of 1 GiB. */
        public static final Sizes USUAL = new Sizes(8192, 1L << 30);
    }

    /**
     * Measures, by events in the compute stream, and gives back all memory but cuBLASLt's workspace.
     *
     * @param device in words
     * @param element of the product's factors and result, with the context's say on TF32
     */
    public static Ceilings measure(CudaContext cuda, String device, Element element, Sizes sizes) {
        long spare = cuda.freeBytes() / 2;
        int side = sizes.product;
        for (int i = 0; i < HALVINGS && 3 * matrix(side, element) > spare; i++) {
            side /= 2;
        }
        long copied = sizes.copied;
        for (int i = 0; i < HALVINGS && 2 * copied > spare; i++) {
            copied /= 2;
        }
        if (3 * matrix(side, element) > spare || 2 * copied > spare) {
            return Ceilings.unmeasured(device, String.format(
                    Locale.ROOT, "of the GPU's memory %.0f MiB are free, too few for a large product and a long copy",
                    2 * spare / MIB));
        }
        try (CudaMarks marks = new CudaMarks(cuda.stream())) {
            double flops = product(cuda, marks, element, side);
            double bytes = copy(cuda, marks, copied);
            return new Ceilings(device, flops, bytes, launch(cuda), String.format(
                    Locale.ROOT, "a product of %dx%d in %s, a copy of %.0f MiB", side, side, word(cuda, element), copied / MIB));
        }
    }

    private static String word(CudaContext cuda, Element element) {
        return element == Element.BFLOAT16 ? "bf16" : cuda.tf32() ? "tf32" : "fp32";
    }

    private static long matrix(int side, Element element) {
        return (long) side * side * element.bytes;
    }

    private static double product(CudaContext cuda, CudaMarks marks, Element element, int side) {
        long bytes = matrix(side, element);
        long factors = cuda.allocate("factors of a product that is measured", 2 * bytes);
        long result = 0;
        try {
            result = cuda.allocate("result of a product that is measured", bytes);
            scatter(cuda, element, factors, 2 * bytes);
            CublasLt.Matmul product = cuda.blas().plan(new CublasLt.Product(
                    side, side, side, 1, CublasLt.Operand.plain(factors, side).of(element),
                    CublasLt.Operand.transposed(factors + bytes, side).of(element), 0,
                    CublasLt.Operand.plain(result, side).of(element)));
            return 2.0 * side * side * side / seconds(marks, product::run);
        } finally {
            cuda.free(factors);
            if (result != 0) {
                cuda.free(result);
            }
        }
    }

    /** Values that differ, between -1 and 1: of zeros a GPU multiplies more at the same power. */
    private static void scatter(CudaContext cuda, Element element, long to, long bytes) {
        long pattern = Math.min(bytes, PATTERN_BYTES);
        CounterRng random = new CounterRng().key(1, 0, 0, 0);
        try (Arena call = Arena.ofConfined()) {
            MemorySegment values = call.allocate(pattern, Float.BYTES);
            for (long i = 0; i < pattern / element.bytes; i++) {
                float value = (float) random.uniform(-1, 1);
                if (element == Element.FLOAT) {
                    values.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                } else {
                    values.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >> Short.SIZE));
                }
            }
            cuda.stream().copyToDevice(to, values);
        }
        for (long done = pattern; done < bytes; done *= 2) {
            cuda.stream().copy(to + done, to, Math.min(done, bytes - done));
        }
    }

    private static double copy(CudaContext cuda, CudaMarks marks, long bytes) {
        long memory = cuda.allocate("a copy that is measured", 2 * bytes);
        try {
            return 2.0 * bytes / seconds(marks, () -> cuda.stream().copy(memory + bytes, memory, bytes));
        } finally {
            cuda.free(memory);
        }
    }

    /** The least time that the device takes for it. */
    private static double seconds(CudaMarks marks, Runnable work) {
        for (int i = 0; i < WARM_UP; i++) {
            work.run();
        }
        marks.begin();
        for (int i = 0; i < ROUNDS; i++) {
            work.run();
            marks.mark();
        }
        marks.await(ROUNDS);
        long least = Long.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            least = Math.min(least, marks.nanos(i));
        }
        // Half a microsecond is what events tell apart.
        return Math.max(500, least) / 1e9;
    }

    /** The least mean time of the host for a kernel of one thread's work, over rounds that begin with an idle device. */
    private static double launch(CudaContext cuda) {
        long cell = cuda.allocate("kernels that are measured", Float.BYTES);
        try {
            CudaLaunch one = cuda.launch("elementwise", "scale_f32").grid(1).block(32)
                    .pointer(cell).pointer(cell).int32(1).float32(1);
            long least = Long.MAX_VALUE;
            for (int round = 0; round < WARM_UP + ROUNDS; round++) {
                cuda.stream().synchronize();
                long start = System.nanoTime();
                for (int i = 0; i < LAUNCHES; i++) {
                    one.run();
                }
                least = Math.min(least, System.nanoTime() - start);
            }
            cuda.stream().synchronize();
            return least / 1e9 / LAUNCHES;
        } finally {
            cuda.free(cell);
        }
    }
}
