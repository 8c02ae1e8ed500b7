package io.culvert.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What timing is said to cost, where some steps take 40 ms longer than others. */
class OverheadTest {
    private static final long LONG = 40_000_000;
    private static final double SHORT = 0.02;

    @TempDir
    Path folder;

    private static void spend(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }

    /** Spends long in a phase of those steps that are timed, or of those that are not. */
    private Analysis.Overhead overhead(Phase phase, boolean whereTimed) {
        AtomicReference<Analysis.Overhead> overhead = new AtomicReference<>();
        Subject subject = new Subject(
                folder, Ceilings.unmeasured("a test", "nothing to measure"), List.of(new OpFacts("Sum", "only", 1, 1, 0, 0)),
                new int[] {0}, new int[0], new MemoryFacts(List.of(), List.of(), 0, 1), null);
        try (Profiler profiler = Profiler.open(
                new Profiler.Settings(2, 6, false, folder),
                recording -> overhead.set(new Analysis(recording).overhead()))) {
            StepClock clock = profiler.attach(subject);
            clock.begin();
            for (int step = 0; step < 16; step++) {
                clock.fed(0);
                clock.forward(0);
                clock.lap(Phase.LOSS);
                spend(clock.isTiming() == whereTimed ? LONG : 0);
                clock.lap(phase);
                clock.endStep();
            }
        }
        return overhead.get();
    }

    @ParameterizedTest
    @CsvSource({"LOG, true", "LOG, false", "CHECKPOINT, true", "CHECKPOINT, false"})
    void leavesOutWhatOnlySomeStepsDo(Phase phase, boolean whereTimed) {
        Analysis.Overhead overhead = overhead(phase, whereTimed);
        assertThat(overhead.timed()).isBetween(0.0, SHORT);
        assertThat(overhead.untimed()).isBetween(0.0, SHORT);
    }

    @Test
    void takesInAllElse() {
        Analysis.Overhead timed = overhead(Phase.PREPARE, true);
        assertThat(timed.timed()).isGreaterThanOrEqualTo(LONG / 1e9);
        assertThat(timed.untimed()).isLessThan(SHORT);
        Analysis.Overhead untimed = overhead(Phase.OPTIMIZER, false);
        assertThat(untimed.timed()).isLessThan(SHORT);
        assertThat(untimed.untimed()).isGreaterThanOrEqualTo(LONG / 1e9);
    }
}
