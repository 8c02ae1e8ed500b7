package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.data.augment.AugmentPresets;
import io.culvert.device.cpu.RgbImage;
import io.culvert.profile.Ceilings;
import io.culvert.profile.MemoryFacts;
import io.culvert.profile.OpFacts;
import io.culvert.profile.Phase;
import io.culvert.profile.ProfileFiles;
import io.culvert.profile.Profiler;
import io.culvert.profile.StepClock;
import io.culvert.profile.Subject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plants what should not be there and sees whether the profile names it. */
class LoaderProfileTest {
    private static final int BATCH = 4;
    private static final long COPIED = 64L << 20;

    @TempDir
    Path folder;

    private static class Blank implements Decoder {
        @Override
        public void decode(Path file, RgbImage into) {
            into.resize(20, 20);
        }
    }

    /** As a decoder whose disk is slow. */
    private static final class Sleeper extends Blank {
        @Override
        public void decode(Path file, RgbImage into) {
            try {
                TimeUnit.MILLISECONDS.sleep(15);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            super.decode(file, into);
        }
    }

    @Test
    void aSleepInTheLoaderIsNamed() {
        String text = profile(Sleeper::new, () -> {}, () -> {});
        String first = firstFinding(text);
        assertThat(first).contains("% waiting for data", "reading and decoding", "(the rest it slept", "Sleeper.decode:")
                .contains("sleep (");
    }

    @Test
    void aNeedlessCopyOfTheBatchIsNamed() {
        assertThat(firstFinding(profile(Blank::new, LoaderProfileTest::copyForNothing, () -> {})))
                .contains("bringing the batch (copies, labels)", "LoaderProfileTest.copyForNothing:");
    }

    @Test
    void aNeedlessCopyInAnOperationIsNamed() {
        assertThat(firstFinding(profile(Blank::new, () -> {}, LoaderProfileTest::copyForNothing)))
                .contains("in SmallOp beyond what its work needs", "most in layer1", "LoaderProfileTest.copyForNothing:");
    }

    private static void copyForNothing() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment batch = arena.allocate(COPIED);
            arena.allocate(COPIED).copyFrom(batch);
        }
    }

    private static String firstFinding(String text) {
        List<String> lines = text.lines().toList();
        return lines.get(lines.indexOf("What takes time") + 1);
    }

    /** The profile of a loop that does {@code feeding} with each batch and {@code computing} as its one operation. */
    private String profile(Supplier<Decoder> decoders, Runnable feeding, Runnable computing) {
        AtomicReference<String> text = new AtomicReference<>();
        List<OpFacts> ops = List.of(new OpFacts("SmallOp", "layer1", 1000, 4000, 0, 0));
        Subject subject = new Subject(
                folder, new Ceilings("test", 1e11, 1e10, 0, "made up"), ops, new int[] {0}, new int[0], new MemoryFacts(List.of(), List.of(), 0, 1),
                null);
        List<Sample> samples = IntStream.range(0, 200)
                .mapToObj(i -> new Sample(Integer.toString(i), 0, true))
                .toList();
        LoaderConfig config = LoaderConfig.training(AugmentPresets.views("barlow", 2), 16, BATCH, 1, 1).withThreads(1).withDepth(2);
        try (Profiler profiler = Profiler.open(
                        new Profiler.Settings(2, 10, false, folder), recording -> text.set(ProfileFiles.write(recording, 5)));
                Arena arena = Arena.ofShared()) {
            StepClock clock = profiler.attach(subject);
            try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(new Dataset(folder, samples), config, arena, decoders)) {
                train(loader, clock, feeding, computing);
            }
        }
        return text.get();
    }

    private static void train(ViewLoader<ViewBatch> loader, StepClock clock, Runnable feeding, Runnable computing) {
        clock.begin();
        long waited = loader.waitNanos();
        for (ViewBatch batch = loader.next(); batch != null; batch = loader.next()) {
            feeding.run();
            clock.fed(loader.waitNanos() - waited);
            computing.run();
            clock.forward(0);
            clock.lap(Phase.LOSS);
            loader.release(batch);
            clock.endStep();
            waited = loader.waitNanos();
        }
    }
}
