package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.emulator.TestEmulator;
import org.junit.jupiter.api.Test;

/** Recorded work on the emulator. */
class CudaGraphTest {
    @Test
    void marksLieBeforeAndAfterEachRepetition() {
        TestEmulator.install();
        try (CudaContext cuda = CudaContext.open(0, false)) {
            long memory = cuda.allocate("bytes", 1 << 20);
            Runnable repeated = cuda.repeated("fill", () -> cuda.stream().zero(memory, 1 << 20));
            CudaMarks marks = cuda.marks();
            cuda.markRepetitions(marks);
            marks.begin();
            repeated.run();
            repeated.run();
            assertThat(marks.intervals()).as("intervals before it is recorded").isZero();
            repeated.run();
            repeated.run();
            marks.await(4);
            assertThat(marks.intervals()).isEqualTo(4);
            assertThat(marks.nanos(1)).as("the first repetition").isNotNegative();
            assertThat(marks.nanos(2)).as("between both").isNotNegative();
        }
    }
}
