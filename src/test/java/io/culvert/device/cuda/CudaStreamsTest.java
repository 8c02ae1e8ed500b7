package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.StreamOrder;
import io.culvert.emulator.TestEmulator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two streams on the emulator: events order them, and nothing else does. */
class CudaStreamsTest {
    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void nothingIsLeft() {
        if (emulator != null) {
            emulator.order(StreamOrder.OTHERS_LATE);
            assertThat(emulator.leaks()).as("not given back").isEmpty();
        }
    }

    /** A byte goes up by one stream and comes back by the other. */
    private byte read(StreamOrder order, boolean waiting) {
        emulator.order(order);
        try (CudaContext cuda = CudaContext.open(0, false);
                Arena arena = Arena.ofConfined();
                CudaStream copies = cuda.newStream();
                CudaEvent uploaded = cuda.newEvent()) {
            MemorySegment pinned = cuda.pinned(1, arena);
            pinned.set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
            long there = cuda.allocate("byte", 1);
            cuda.stream().synchronize();
            copies.upload(there, pinned, 1);
            uploaded.record(copies);
            if (waiting) {
                cuda.stream().await(uploaded);
            }
            MemorySegment back = arena.allocate(1);
            cuda.stream().copyToHost(back, there);
            copies.synchronize();
            return back.get(ValueLayout.JAVA_BYTE, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(StreamOrder.class)
    void aStreamThatWaitsSeesWhatTheOtherDid(StreamOrder order) {
        assertThat(read(order, true)).isEqualTo((byte) 7);
    }

    @Test
    void oneThatDoesNotWaitMaySeeEither() {
        assertThat(read(StreamOrder.OTHERS_LATE, false)).isZero();
        assertThat(read(StreamOrder.OTHERS_FIRST, false)).isEqualTo((byte) 7);
    }

    /** A wait is for the record before it; a later record of the same event does not move it. */
    @Test
    void aWaitKeepsThePlaceThatItWasGiven() {
        try (CudaContext cuda = CudaContext.open(0, false);
                Arena arena = Arena.ofConfined();
                CudaStream copies = cuda.newStream();
                CudaEvent event = cuda.newEvent()) {
            cuda.stream().await(event); // never recorded: no wait
            MemorySegment first = cuda.pinned(1, arena).fill((byte) 1);
            MemorySegment second = cuda.pinned(1, arena).fill((byte) 2);
            long there = cuda.allocate("byte", 1);
            cuda.stream().synchronize();
            copies.upload(there, first, 1);
            event.record(copies);
            cuda.stream().await(event);
            copies.upload(there, second, 1);
            event.record(copies);
            MemorySegment back = arena.allocate(1);
            cuda.stream().copyToHost(back, there);
            assertThat(back.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
            event.synchronize();
            cuda.stream().copyToHost(back, there);
            assertThat(back.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 2);
        }
    }

    @Test
    void pinnedMemoryMustNotChangeBeforeItsCopyRan() {
        assertThatThrownBy(() -> afterUpload(pinned -> pinned.set(ValueLayout.JAVA_BYTE, 3, (byte) 1)))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("overwritten before its copy ran");
    }

    @Test
    void orBeFreed() {
        assertThatThrownBy(() -> afterUpload(null))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("freed before its copy ran");
    }

    /** Does something to pinned memory, or frees it, while its copy is queued. */
    private static void afterUpload(Consumer<MemorySegment> action) {
        try (CudaContext cuda = CudaContext.open(0, false);
                Arena arena = Arena.ofShared()) {
            long there = cuda.allocate("bytes", 8);
            try (Arena owner = Arena.ofShared()) {
                MemorySegment pinned = cuda.pinned(8, owner);
                cuda.stream().upload(there, pinned, 8);
                if (action != null) {
                    action.accept(pinned);
                    cuda.stream().copyToHost(arena.allocate(8), there);
                }
            }
            cuda.stream().copyToHost(arena.allocate(8), there);
        }
    }

    /** Memory that is not pinned is staged: it may be used again at once. */
    @Test
    void otherMemoryIsStaged() {
        try (CudaContext cuda = CudaContext.open(0, false);
                Arena arena = Arena.ofConfined()) {
            long there = cuda.allocate("byte", 1);
            MemorySegment host = arena.allocate(1).fill((byte) 5);
            cuda.stream().upload(there, host, 1);
            host.fill((byte) 6);
            cuda.stream().copyToHost(host, there);
            assertThat(host.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 5);
        }
    }

    @Test
    void pinnedMemoryThatIsForgottenIsTold() {
        try (CudaContext cuda = CudaContext.open(0, false);
                Arena arena = Arena.ofShared()) {
            int before = emulator.leaks().getOrDefault("pinned memory", 0);
            cuda.pinned(8, arena);
            assertThat(emulator.leaks()).containsEntry("pinned memory", before + 1);
        }
    }
}
