package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.culvert.CulvertException;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.method.SimClr;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.ParameterStore;
import io.culvert.verify.SmallBackbone;
import java.util.function.IntToLongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a run that does not fit into the GPU's memory tells its user, on a simulated GPU with little of it. */
class LargestBatchTest {
    private static final int SIZE = 32;
    private static final long MEMORY = 128L << 20;

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void giveTheMemoryBack() {
        if (emulator != null) {
            emulator.memory(Emulator.USUAL_MEMORY);
        }
    }

    @Test
    void theBatchThatIsSuggestedFitsAndOneBeyondTheReserveDoesNot() {
        emulator.memory(MEMORY);
        CulvertException failure = failureOf(1000);
        assertThat(failure.getMessage()).startsWith("batch_size 1000 needs ").contains(" MiB are free", "held: ");
        int fits = suggested(failure);
        assertThat(fits).isBetween(2, 999);
        assertThat(stepBytes(fits)).isPositive();
        // The reserve is 64 MiB, more than half of this GPU's memory, and an eighth of the step.
        CulvertException beyond = failureOf((int) Math.ceil(fits * (1 + 1.0 / LargestBatch.RESERVE_PART) * 2.3));
        assertThat(suggested(beyond)).isEqualTo(fits);
    }

    /** What is suggested is a batch of as many passes, and more passes of the same batch, that part it evenly. */
    @Test
    void aStepOfSeveralPassesMustFitPassByPass() {
        emulator.memory(MEMORY);
        int fits = suggested(failureOf(1000));
        CulvertException failure = catchThrowableOfType(CulvertException.class, () -> stepBytes(1000, 2));
        Matcher matcher = Pattern.compile("about (\\d+) fits a pass: set batch_size=(\\d+) or optim.accumulate=(\\d+)")
                .matcher(failure.getMessage());
        assertThat(failure.getMessage()).startsWith("batch_size 2000 in 2 passes of 1000 needs ");
        assertThat(matcher.find()).as(failure.getMessage()).isTrue();
        assertThat(matcher.group(1)).isEqualTo(Integer.toString(fits));
        assertThat(matcher.group(2)).isEqualTo(Integer.toString(2 * fits));
        int passes = Integer.parseInt(matcher.group(3));
        assertThat(2000 % passes).isZero();
        assertThat(2000 / passes).isBetween(2, fits);
        assertThat(stepBytes(2000 / passes, passes)).isPositive();
    }

    @Test
    void fillsWhatTheReserveLeaves() {
        long gib = 1L << 30;
        IntToLongFunction bytes = batch -> batch * (gib / 6) + gib / 2;
        int fits = LargestBatch.fitting(256, 38 * gib, bytes);
        assertThat(withReserve(bytes.applyAsLong(fits))).isLessThanOrEqualTo(38 * gib);
        assertThat(withReserve(bytes.applyAsLong(fits + 1))).isGreaterThan(38 * gib);
    }

    @Test
    void aStepThatFailedAlthoughItFitsWithItsReserveLeavesHalfToTheKernels() {
        IntToLongFunction bytes = batch -> batch * (1L << 30);
        int fits = LargestBatch.fitting(30, 38L << 30, bytes);
        assertThat(fits).isLessThan(30);
        assertThat(withReserve(bytes.applyAsLong(fits))).isLessThanOrEqualTo(19L << 30);
        assertThat(withReserve(bytes.applyAsLong(fits + 1))).isGreaterThan(19L << 30);
    }

    private static long withReserve(long bytes) {
        return bytes + bytes / LargestBatch.RESERVE_PART + LargestBatch.RESERVE_BYTES;
    }

    @Test
    void whereNothingFitsTheUserIsToldOfTheImageSize() {
        emulator.memory(8L << 20);
        assertThat(failureOf(1000)).hasMessageContaining("not even two images are sure to fit: set a smaller data.image_size");
    }

    private static int suggested(CulvertException failure) {
        Matcher matcher = Pattern.compile("about (\\d+) fits: set batch_size=(\\d+)").matcher(failure.getMessage());
        assertThat(matcher.find()).as(failure.getMessage()).isTrue();
        assertThat(matcher.group(1)).isEqualTo(matcher.group(2));
        return Integer.parseInt(matcher.group(1));
    }

    private static CulvertException failureOf(int batch) {
        CulvertException failure = catchThrowableOfType(CulvertException.class, () -> stepBytes(batch));
        assertThat(failure).as("batch of " + batch).isNotNull();
        assertThat(failure.kind()).isEqualTo(CulvertException.Kind.MEMORY);
        assertThat(failure.kind().exitCode).isEqualTo(CulvertException.Kind.DEVICE.exitCode);
        return failure;
    }

    /** Builds a step and everything that it takes. */
    private static long stepBytes(int batch) {
        return stepBytes(batch, 1);
    }

    private static long stepBytes(int batch, int passes) {
        try (Device device = CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device)) {
            return trainer(arena, batch, passes).tape().stepBytes();
        }
    }

    private static Trainer trainer(RunArena arena, int batch, int passes) {
        ParameterStore store = new ParameterStore();
        SimClr method = new SimClr(new SmallBackbone(store), 33, 17, 0.5);
        store.allocate(arena);
        return new Trainer(
                arena, store, method, new Sgd(arena, store, 0.9, 1e-4, true), new WarmupCosine(0.05, 0.05, 0.05, 1, 100),
                batch, new int[] {SIZE}, new Trainer.Extras(passes, null, null, false));
    }
}
