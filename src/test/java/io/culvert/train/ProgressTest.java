package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private static final long MILLI = 1_000_000;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicLong clock = new AtomicLong(123);

    private Progress progress(boolean terminal, long done, long total) {
        return new Progress(new PrintStream(bytes), terminal, clock::get, "pretrain", done, total);
    }

    private void run(Progress progress, int steps, long stepMillis, long waitMillis) {
        for (int i = 0; i < steps; i++) {
            clock.addAndGet(stepMillis * MILLI);
            progress.step(128, 5.25, waitMillis * MILLI);
        }
    }

    @Test
    void elsewhereThanOnATerminalItPrintsALineEveryFiveSeconds() {
        Progress progress = progress(false, 0, 100_000);
        run(progress, 100, 500, 50);
        progress.close();
        assertThat(bytes.toString().lines()).hasSize(10);
        assertThat(bytes.toString().lines().toList())
                .last()
                .isEqualTo("pretrain  step 100/100000  loss 5.2500  256.0 images/s  data_wait 10.0%  left 13:52:30");
        assertThat(bytes.toString()).doesNotContain("\r");
    }

    @Test
    void onATerminalItRewritesOneLineInPlace() {
        Progress progress = progress(true, 0, 90);
        run(progress, 90, 100, 0);
        progress.close();
        assertThat(bytes.toString().lines().toList().getFirst()).isEmpty();
        assertThat(bytes.toString().split("\r")).hasSize(46);
        assertThat(bytes.toString()).endsWith("left 0:00\u001b[K" + System.lineSeparator());
    }

    @Test
    void ratesFollowTheLastSecondsAndAResumedRunCountsOnlyItsOwnSteps() {
        Progress progress = progress(false, 5000, 10_000);
        assertThat(progress.imagesPerSecond()).isZero();
        run(progress, 100, 100, 0);
        assertThat(progress.imagesPerSecond()).isCloseTo(1280, within(1e-6));
        run(progress, 100, 200, 100);
        assertThat(progress.imagesPerSecond()).isCloseTo(640, within(1e-6));
        assertThat(progress.dataWaitPercent()).isCloseTo(50, within(1e-6));
        assertThat(bytes.toString()).contains("step 5200/10000").contains("left 16:00");
    }

    @Test
    void theLastStepIsAlwaysShown() {
        Progress progress = progress(false, 0, 3);
        run(progress, 3, 1, 0);
        assertThat(bytes.toString())
                .startsWith("pretrain  step 3/3  loss 5.2500")
                .contains("left 0:00");
    }

    @Test
    void lossesThatAreNoNumberAreShownAsSuch() {
        Progress progress = progress(false, 0, 2);
        clock.addAndGet(1000 * MILLI);
        progress.step(1, -0.00004, 0);
        progress.step(1, Double.NaN, 0);
        assertThat(bytes.toString()).contains("loss NaN");
    }

    @Test
    void aStepThatPrintsNothingAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Progress progress = progress(false, 0, 10_000_000);
        run(progress, 20_000, 0, 0);
        long before = threads.getCurrentThreadAllocatedBytes();
        run(progress, 20_000, 0, 0);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(allocated).isLessThan(1000);
        assertThat(bytes.size()).isZero();
    }
}
