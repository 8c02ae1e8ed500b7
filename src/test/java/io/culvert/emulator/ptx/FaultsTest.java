package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.culvert.emulator.ptx.KernelFault.Kind;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Kernels with one mistake each: found, and named with the line of the .cu file. */
class FaultsTest {
    private static final String FILE = "faults";
    private static final Dim3 ONE = Dim3.of(1);

    private static KernelFault fault(Gpu gpu, String kernel, int threads, Object... values) {
        return catchThrowableOfType(
                KernelFault.class, () -> gpu.run(Gpu.kernel(FILE, kernel), ONE, Dim3.of(threads), 0, values));
    }

    @Test
    void offByOne() {
        Gpu gpu = new Gpu();
        long in = gpu.put("in", Gpu.random(1, 64));
        KernelFault fault = fault(gpu, "off_by_one", 64, gpu.empty(4 * 40, "out"), in, 40);
        assertThat(fault.kind()).isEqualTo(Kind.OUT_OF_BOUNDS);
        assertThat(fault.thread()).isEqualTo("(40,0,0)");
        assertThat(fault.source()).isEqualTo("faults.cu:4");
        assertThat(fault)
                .hasMessageContaining("4-byte write")
                .hasMessageContaining("0 bytes past the end of 'out' (160");
    }

    @Test
    void missingBarrierInAnyOrder() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            // Within two warps the other one's half may not be written yet: then it shows as that.
            gpu.interpreter.findUninitialised(false);
            KernelFault fault =
                    fault(gpu, "missing_barrier", 64, gpu.empty(256, "out"), gpu.put("in", Gpu.random(1, 64)));
            assertThat(fault.kind()).isEqualTo(Kind.SHARED_RACE);
            assertThat(fault).hasMessageContaining("faults.cu:9").hasMessageContaining("faults.cu:11");
        }
    }

    @Test
    void lanesThatWriteOneCell() {
        KernelFault fault = fault(new Gpu(), "warp_race", 32, 0L);
        assertThat(fault.kind()).isEqualTo(Kind.SHARED_RACE);
        assertThat(fault.source()).isEqualTo("faults.cu:16");
    }

    @Test
    void barrierInHalfAWarp() {
        Gpu gpu = new Gpu();
        KernelFault fault = fault(gpu, "partial_barrier", 64, gpu.empty(256, "out"));
        assertThat(fault.kind()).isEqualTo(Kind.DIVERGED_BARRIER);
        assertThat(fault.source()).isEqualTo("faults.cu:22");
        assertThat(fault).hasMessageContaining("16 lanes").hasMessageContaining("(48,0,0)");
    }

    @Test
    void warpsThatEndBeforeABarrier() {
        Gpu gpu = new Gpu();
        KernelFault fault = fault(gpu, "early_exit", 128, gpu.empty(512, "out"), 64);
        assertThat(fault.kind()).isEqualTo(Kind.MISSED_BARRIER);
        assertThat(fault).hasMessageContaining("64 of 128").hasMessageContaining("thread (64,0,0) has ended");
    }

    @Test
    void misalignedVector() {
        Gpu gpu = new Gpu();
        KernelFault fault = fault(gpu, "misaligned", 4, gpu.empty(64, "out"), gpu.put("in", Gpu.random(1, 64)));
        assertThat(fault.kind()).isEqualTo(Kind.MISALIGNED);
        assertThat(fault).hasMessageContaining("16-byte read").hasMessageContaining("4 bytes off");
    }

    @Test
    void uninitialisedShared() {
        Gpu gpu = new Gpu();
        KernelFault fault = fault(gpu, "uninitialised", 64, gpu.empty(256, "out"));
        assertThat(fault.kind()).isEqualTo(Kind.UNINITIALISED);
        assertThat(fault.thread()).isEqualTo("(5,0,0)");
    }

    @Test
    void uninitialisedGlobal() {
        Gpu gpu = new Gpu();
        long in = gpu.empty(128, "in");
        gpu.memory.fill(in, 64, (byte) 0);
        KernelFault fault = fault(gpu, "copy", 32, gpu.empty(128, "out"), in);
        assertThat(fault.kind()).isEqualTo(Kind.UNINITIALISED);
        assertThat(fault.thread()).isEqualTo("(16,0,0)");
        assertThat(fault).hasMessageContaining("byte 64 of 'in'");
    }

    @Test
    void useAfterFree() {
        Gpu gpu = new Gpu();
        long in = gpu.put("in", new float[32]);
        long out = gpu.empty(128, "out");
        assertThat(fault(gpu, "copy", 32, out, in)).isNull();
        gpu.memory.free(in);
        KernelFault fault = fault(gpu, "copy", 32, out, in);
        assertThat(fault.kind()).isEqualTo(Kind.USE_AFTER_FREE);
        assertThat(fault).hasMessageContaining("0 bytes into 'in' (128 bytes), which was freed");
    }

    @Test
    void endlessLoop() {
        Gpu gpu = new Gpu();
        gpu.interpreter.instructionBudget(10_000);
        KernelFault fault = fault(gpu, "endless", 32, gpu.put("flag", 0));
        assertThat(fault.kind()).isEqualTo(Kind.INSTRUCTION_BUDGET);
        assertThat(fault.source()).startsWith("faults.cu:");
    }

    @Test
    void trap() {
        Gpu gpu = new Gpu();
        KernelFault fault = fault(
                gpu,
                "stop",
                32,
                gpu.put("in", new SplittableRandom(1).ints(32, 3, 4).toArray()));
        assertThat(fault.kind()).isEqualTo(Kind.TRAP);
    }

    @Test
    void sharedOutOfBounds() {
        Gpu gpu = new Gpu();
        KernelFault fault = fault(gpu, "shared_bound", 32, gpu.empty(128, "out"), 3);
        assertThat(fault.kind()).isEqualTo(Kind.OUT_OF_BOUNDS);
        assertThat(fault.thread()).isEqualTo("(29,0,0)");
        assertThat(fault).hasMessageContaining("the block has 128 bytes");
    }
}
