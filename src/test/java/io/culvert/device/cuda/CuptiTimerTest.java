package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.profile.DeviceTimer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Device times on the emulator, whose CUPTI hands out records on a thread of its own. */
class CuptiTimerTest {
    private static final int VERSION = 130_001;

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void nothingIsLeft() {
        if (emulator != null) {
            emulator.otherProfiler(false);
            emulator.cuptiVersion(VERSION);
            emulator.loseKernelTimes(0);
            assertThat(emulator.leaks()).as("not given back").isEmpty();
        }
    }

    private static CudaLaunch scale(CudaContext cuda, long address) {
        return cuda.launch("elementwise", "scale_f32").grid(1).block(32)
                .pointer(address).pointer(address).int32(8).float32(1);
    }

    private static List<String> names(DeviceTimer timer, int interval) {
        return timer.work().stream().filter(work -> work.interval() == interval).map(DeviceTimer.Work::name).toList();
    }

    @Test
    void eachOperationHasItsOwnKernelsCopiesAndFills() {
        try (CudaContext cuda = CudaContext.open(0, false);
                Arena arena = Arena.ofConfined();
                CudaStream copies = cuda.newStream()) {
            long memory = cuda.allocate("floats", 32);
            MemorySegment pinned = cuda.pinned(32, arena);
            CudaLaunch kernel = scale(cuda, memory);
            DeviceTimer timer = cuda.timer();
            for (int step = 0; step < 3; step++) {
                timer.begin();
                timer.enter("first");
                kernel.run();
                kernel.run();
                timer.mark();
                timer.enter("nothing");
                timer.mark();
                timer.enter("last");
                cuda.stream().zero(memory, 32);
                cuda.stream().copy(memory, memory, 16);
                copies.upload(memory, pinned, 32);
                timer.mark();
                kernel.run();
                timer.mark();
                long[] nanos = new long[6];
                timer.read(nanos, 1, 4);
                kernel.run(); // of a step that is not timed

                assertThat(names(timer, 0)).containsExactly("scale_f32", "scale_f32");
                assertThat(names(timer, 1)).isEmpty();
                assertThat(names(timer, 2)).containsExactlyInAnyOrder("fill", "copy on the device", "copy from host");
                assertThat(names(timer, 3)).containsExactly("scale_f32");
                assertThat(names(timer, -1)).isEmpty();
                assertThat(nanos[0]).isZero();
                assertThat(nanos[5]).isZero();
                long whole = LongStream.of(nanos).sum();
                long idle = LongStream.range(0, 4).map(i -> timer.idle((int) i)).sum();
                assertThat(whole).isGreaterThanOrEqualTo(timer.work().getLast().end() - timer.work().getFirst().begin());
                // The emulator does one thing at a time.
                assertThat(whole - idle).isEqualTo(timer.work().stream()
                        .filter(work -> work.begin() < whole)
                        .mapToLong(work -> Math.min(whole, work.end()) - work.begin())
                        .sum());
                assertThat(timer.work().stream().map(DeviceTimer.Work::stream).distinct()).hasSize(2);
            }
            assertThat(timer.source()).isEqualTo("by CUPTI's records of 6 kernels, copies and fills a step");
        }
    }

    /** More records than one buffer holds, and more buffers than are asked for at once. */
    @Test
    void buffersAreUsedAgain() {
        int kernels = 10_000;
        try (CudaContext cuda = CudaContext.open(0, false)) {
            long memory = cuda.allocate("floats", 32);
            DeviceTimer timer = cuda.timer();
            for (int step = 0; step < 2; step++) {
                timer.begin();
                for (int i = 0; i < kernels; i++) {
                    cuda.stream().zero(memory, 32);
                }
                timer.mark();
                timer.read(new long[1], 0, 1);
                assertThat(timer.work()).hasSize(kernels);
            }
            assertThat(timer.source()).isEqualTo("by CUPTI's records of 10000 kernels, copies and fills a step");
        }
    }

    @Test
    void kernelsWithoutTimesAreTold() {
        try (CudaContext cuda = CudaContext.open(0, false)) {
            CudaLaunch kernel = scale(cuda, cuda.allocate("floats", 32));
            DeviceTimer timer = cuda.timer();
            emulator.loseKernelTimes(2);
            timer.begin();
            for (int i = 0; i < 3; i++) {
                kernel.run();
            }
            timer.mark();
            timer.read(new long[1], 0, 1);
            assertThat(timer.work()).hasSize(1);
            assertThat(timer.source()).endsWith("; 2 have no times and count as waiting");
        }
    }

    @Test
    void aStepThatIsNeverReadIsGivenUpWithTheContext() {
        try (CudaContext cuda = CudaContext.open(0, false)) {
            CudaLaunch kernel = scale(cuda, cuda.allocate("floats", 32));
            DeviceTimer timer = cuda.timer();
            timer.begin();
            timer.enter("operation");
            kernel.run();
        }
        try (CudaContext cuda = CudaContext.open(0, false)) {
            assertThat(cuda.timer().source()).as("the place is free again").startsWith("by CUPTI's records");
        }
    }

    @Test
    void aDeviceThatFailsFreesThePlaceToo() {
        assertThatThrownBy(() -> {
                    try (CudaContext cuda = CudaContext.open(0, false)) {
                        CudaLaunch kernel = scale(cuda, cuda.allocate("floats", 32));
                        DeviceTimer timer = cuda.timer();
                        timer.begin();
                        emulator.failLaunch(1);
                        kernel.run();
                    }
                })
                .isInstanceOf(CulvertException.class);
        try (CudaContext cuda = CudaContext.open(0, false)) {
            assertThat(cuda.timer().source()).startsWith("by CUPTI's records");
        }
    }

    private static void requireEvents(String reason) {
        try (CudaContext cuda = CudaContext.open(0, false)) {
            CudaLaunch kernel = scale(cuda, cuda.allocate("floats", 32));
            DeviceTimer timer = cuda.timer();
            assertThat(timer.source()).startsWith("by events between operations (CUPTI not usable: ").contains(reason);
            timer.begin();
            kernel.run();
            timer.mark();
            timer.mark();
            long[] nanos = new long[2];
            timer.read(nanos, 0, 2);
            assertThat(nanos[0]).isGreaterThan(nanos[1]);
            assertThat(timer.idle(0)).isEqualTo(DeviceTimer.UNKNOWN);
            assertThat(timer.work()).isEmpty();
        }
    }

    @Test
    void whereAnotherProfilerHasTheProcessThereAreEvents() {
        emulator.otherProfiler(true);
        requireEvents("CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED (39), another profiler or debugger has this process");
    }

    @Test
    void thereIsOnePlaceInAProcess() {
        try (CudaContext cuda = CudaContext.open(0, false)) {
            assertThat(cuda.timer().source()).startsWith("by CUPTI's records");
            assertThat(cuda.timer().source()).contains("MULTIPLE_SUBSCRIBERS");
        }
    }

    @Test
    void recordsOfAnotherCudaAreNotRead() {
        emulator.cuptiVersion(28);
        requireEvents("has version 28, its records are read as CUDA 13 lays them out");
        emulator.cuptiVersion(140_000);
        requireEvents("has version 140000");
        emulator.cuptiVersion(130_100);
        try (CudaContext cuda = CudaContext.open(0, false)) {
            assertThat(cuda.timer().source()).startsWith("by CUPTI's records");
        }
    }
}
