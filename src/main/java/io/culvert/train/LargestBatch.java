package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.function.IntToLongFunction;

/** Compiles a tape, and where its device has too little memory says which batch would fit. */
final class LargestBatch {
    /**
     * What is left free for the kernels' own working memory and the pictures that wait for their turn: so many bytes, and
     * one part in so many of a step's. How much it is depends on the algorithms that cuDNN chooses.
     */
    static final long RESERVE_BYTES = 64L << 20;

    static final int RESERVE_PART = 8;

    private LargestBatch() {}

    /**
     * Takes the memory of a step and builds its kernels.
     *
     * @param pixels the tape's inputs, which get a place unless the device reads host memory
     * @param key what the user sets to choose {@code batch}
     * @param bytes what a step of so many images takes, input included
     * @throws CulvertException of kind MEMORY that names the batch that fits
     */
    static void compile(Tape tape, List<Tensor> pixels, RunArena arena, String key, int batch, IntToLongFunction bytes) {
        compile(tape, pixels, arena, key + " " + batch, batch, bytes, fits -> "about %d fits: set %s=%d".formatted(fits, key, fits));
    }

    /**
     * As {@link #compile(Tape, List, RunArena, String, int, IntToLongFunction)} for a training step.
     *
     * @param batch images a pass, of this rank
     * @param passes of a step
     */
    static void compile(Tape tape, List<Tensor> pixels, RunArena arena, int batch, int passes, IntToLongFunction bytes) {
        int whole = batch * passes;
        int ranks = arena.device().group().size();
        String what = "batch_size " + whole * ranks + (ranks > 1 ? " on %d ranks".formatted(ranks) : "")
                + (passes > 1 ? " in %d passes of %d".formatted(passes, batch) : "");
        compile(tape, pixels, arena, what, batch, bytes, fits -> {
            int more = passes + 1;
            while (whole % more != 0 || whole / more > fits) {
                more++;
            }
            return "about %d fits%s: set batch_size=%d%s"
                    .formatted(
                            fits, passes > 1 ? " a pass" : ranks > 1 ? " a rank" : "", fits * passes * ranks,
                            whole / more > 1 ? " or optim.accumulate=" + more : "");
        });
    }

    private static void compile(Tape tape, List<Tensor> pixels, RunArena arena, String what, int batch, IntToLongFunction bytes,
            IntFunction<String> remedy) {
        Device device = arena.device();
        long free = device.freeBytes();
        try {
            if (!device.readsHostMemory()) {
                pixels.forEach(input -> input.bind(arena.allocate("batch", input.bytes()), 0));
            }
            tape.compile(arena);
        } catch (CulvertException e) {
            throw e.kind() == CulvertException.Kind.MEMORY ? explained(e, what, batch, free, bytes, remedy) : e;
        }
    }

    private static CulvertException explained(
            CulvertException cause, String what, int batch, long free, IntToLongFunction bytes,
            IntFunction<String> remedy) {
        int fits = fitting(batch, free, bytes);
        String advice = fits == 0
                ? "not even two images are sure to fit: set a smaller data.image_size, or free memory that others hold"
                : remedy.apply(fits);
        return CulvertException.memory(
                "%s needs %s beside the weights, %s are free; %s (%s)",
                what, size(bytes.applyAsLong(batch)), size(free), advice, cause.getMessage());
    }

    /**
     * The largest batch of at least two whose step fits with the reserve, given that {@code batch} did not fit; 0 if none.
     */
    static int fitting(int batch, long free, IntToLongFunction bytes) {
        // A step that failed although it fits with its reserve met kernels that take far more: half of the memory for them.
        long usable = withReserve(bytes.applyAsLong(batch)) <= free ? free / 2 : free;
        int fits = 1;
        int tooLarge = batch;
        while (tooLarge - fits > 1) {
            int middle = (fits + tooLarge) / 2;
            if (withReserve(bytes.applyAsLong(middle)) <= usable) {
                fits = middle;
            } else {
                tooLarge = middle;
            }
        }
        return fits > 1 ? fits : 0;
    }

    private static long withReserve(long bytes) {
        return bytes + bytes / RESERVE_PART + RESERVE_BYTES;
    }

    private static String size(long bytes) {
        double mib = bytes / (double) (1 << 20);
        return mib < 1024
                ? String.format(Locale.ROOT, "%.1f MiB", mib)
                : String.format(Locale.ROOT, "%.1f GiB", mib / 1024);
    }
}
