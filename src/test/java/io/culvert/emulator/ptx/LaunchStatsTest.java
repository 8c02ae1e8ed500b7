package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Counts that can be worked out by hand. */
class LaunchStatsTest {
    private static LaunchStats global(String body, int threads) {
        Gpu gpu = new Gpu();
        long data = gpu.put("data", new long[4096]);
        PtxKernel kernel = PtxModule.parse(Snippet.module(body)).kernel("k");
        return gpu.run(kernel, Dim3.of(1), Dim3.of(threads), 0, gpu.empty(8L * threads, "out"), data, data, data);
    }

    private static LaunchStats shared(String address, String access) {
        return global(
                "{.shared .align 16 .b8 s[8192]; .reg .b32 %at, %v<4>; mov.u32 %t0, s; mov.b64 %d, 0; " + address
                        + " add.u32 %at, %at, %t0; mov.b32 %v0, 0; mov.b32 %v1, 0; mov.b32 %v2, 0; mov.b32 %v3, 0; "
                        + access + "}",
                32);
    }

    @Test
    void sectors() {
        // The frame itself: three loads and a store of 32 adjacent 8-byte words, 8 sectors each.
        LaunchStats none = global("mov.b64 %d, 0;", 32);
        assertThat(none.globalRequests()).isEqualTo(4);
        assertThat(none.globalSectors()).isEqualTo(32);
        assertThat(none.globalBytesRead()).isEqualTo(3 * 256);
        assertThat(none.globalBytesWritten()).isEqualTo(256);
        LaunchStats wide =
                global("mul.wide.u32 %off, %hi, 128; add.s64 %at1, %at1, %off; ld.global.u8 %r, [%at1];", 32);
        assertThat(wide.globalSectors() - none.globalSectors()).isEqualTo(32);
        LaunchStats one = global("ld.param.u64 %at1, [k1]; ld.global.u32 %r, [%at1];", 32);
        assertThat(one.globalSectors() - none.globalSectors()).isEqualTo(1);
        LaunchStats reversed = global(
                "ld.param.u64 %at1, [k1]; sub.u32 %t0, 31, %hi; mul.wide.u32 %off, %t0, 4;"
                        + "add.s64 %at1, %at1, %off; ld.global.u32 %r, [%at1];",
                32);
        assertThat(reversed.globalSectors() - none.globalSectors()).isEqualTo(4);
    }

    @Test
    void bankConflicts() {
        String store = "st.shared.u32 [%at], %v0;";
        assertThat(shared("mul.lo.u32 %at, %hi, 4;", store).bankConflicts()).isZero();
        assertThat(shared("mul.lo.u32 %at, %hi, 8;", store).bankConflicts()).isEqualTo(1);
        assertThat(shared("mul.lo.u32 %at, %hi, 128;", store).bankConflicts()).isEqualTo(31);
        assertThat(shared("mul.lo.u32 %at, %hi, 132;", store).bankConflicts()).isZero();
        assertThat(shared("mul.lo.u32 %at, %hi, 8;", "st.shared.v2.u32 [%at], {%v0, %v1};")
                        .bankConflicts())
                .isZero();
        assertThat(shared("mul.lo.u32 %at, %hi, 16;", "st.shared.v4.u32 [%at], {%v0, %v1, %v2, %v3};")
                        .bankConflicts())
                .isZero();
        // 8 lanes go together: 4 of them share each bank, in 4 quarters.
        assertThat(shared("mul.lo.u32 %at, %hi, 64;", "st.shared.v4.u32 [%at], {%v0, %v1, %v2, %v3};")
                        .bankConflicts())
                .isEqualTo(4 * 3);
    }

    @Test
    void instructionsByClass() {
        LaunchStats stats = global(
                "add.f32 %r, %ra, %rb; fma.rn.f64 %da, %da, %da, %da; ex2.approx.f32 %r, %r; bar.sync 0;"
                        + "shfl.sync.bfly.b32 %r, %r, 1, 31, -1; setp.lt.u32 %q0, %hi, 10; @%q0 add.f32 %r, %r, %r;",
                64);
        assertThat(stats.warpInstructions(InstructionClass.FP32)).isEqualTo(4);
        assertThat(stats.threadInstructions(InstructionClass.FP32)).isEqualTo(64 + 10);
        assertThat(stats.threadInstructions(InstructionClass.FP64)).isEqualTo(64);
        assertThat(stats.warpInstructions(InstructionClass.SPECIAL)).isEqualTo(2);
        assertThat(stats.warpInstructions(InstructionClass.BARRIER)).isEqualTo(2);
        assertThat(stats.warpInstructions(InstructionClass.WARP_EXCHANGE)).isEqualTo(2);
        assertThat(stats.divergentBranches()).isZero();
    }

    @Test
    void divergence() {
        LaunchStats stats = global(
                "setp.lt.u32 %q0, %hi, 10; @%q0 bra less; mov.b32 %r, 1; mov.b32 %r, 2; bra.uni both; less: mov.b32"
                        + " %r, 3; both:",
                64);
        assertThat(stats.divergentBranches()).isEqualTo(1);
        LaunchStats straight = global("mov.b32 %r, 1;", 64);
        // 64 compares, a branch that 10 lanes take (the others' guard is false), and 2 more for each lane that does
        // not.
        assertThat(stats.threadInstructions() - straight.threadInstructions()).isEqualTo(64 + 10 + 54 * 2);
    }

    @Test
    void repeatInAnyOrder() {
        String first = null;
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long x = gpu.put("x", Gpu.random(1, 3 * 197));
            LaunchStats stats = gpu.run(
                    Gpu.kernel("shared", "softmax_rows"),
                    Dim3.of(3),
                    Dim3.of(128),
                    0,
                    gpu.empty(4 * 3 * 197, "y"),
                    x,
                    197);
            // Sectors depend on where a block of memory lies only beyond its alignment of 256.
            first = first == null ? stats.toString() : first;
            assertThat(stats.toString()).isEqualTo(first);
            assertThat(stats.lines())
                    .allSatisfy(line -> assertThat(line.source()).startsWith("shared.cu:"));
        }
    }
}
