package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;

/** What counts as a race on shared memory, and what does not. {@code %sa} is each thread's own word. */
class SharedRacesTest {
    private static final String START = "{.shared .align 16 .b8 s[1024]; .reg .b32 %sa, %base, %lane; mov.u32 %base, s;"
            + "shl.b32 %sa, %hi, 2; add.u32 %sa, %sa, %base; mov.b32 %r, 0; and.b32 %lane, %hi, 31;"
            + "setp.lt.u32 %q0, %lane, 16; setp.eq.u32 %q1, %hi, 0;";

    private static void expect(boolean race, int threads, String body) {
        PtxKernel kernel = PtxModule.parse(Snippet.module(START + body + "}")).kernel("k");
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            gpu.interpreter.findUninitialised(false);
            long in = gpu.put("in", new long[threads]);
            long out = gpu.empty(8L * threads, "out");
            KernelFault fault = catchThrowableOfType(
                    KernelFault.class, () -> gpu.run(kernel, Dim3.of(1), Dim3.of(threads), 0, out, in, in, in));
            assertThat(fault == null ? null : fault.kind())
                    .as("%s in order %s", body, order)
                    .isEqualTo(race ? KernelFault.Kind.SHARED_RACE : null);
        }
    }

    @Test
    void lanesOfAWarpGoInStep() {
        expect(false, 32, "st.shared.u32 [%sa], %hi; xor.b32 %sa, %sa, 4; ld.shared.u32 %r, [%sa];");
        expect(true, 32, "st.shared.u32 [s], %hi;");
        expect(false, 32, "@%q1 st.shared.u32 [s], %hi; ld.shared.u32 %r, [s];");
    }

    @Test
    void warpsNeedABarrier() {
        String write = "st.shared.u32 [%sa], %hi;";
        String readOther = "xor.b32 %sa, %sa, 128; ld.shared.u32 %r, [%sa];";
        expect(true, 64, write + readOther);
        expect(false, 64, write + "bar.sync 0;" + readOther);
        String back = "xor.b32 %sa, %sa, 128;";
        expect(true, 64, write + "bar.sync 0;" + readOther + back + write);
        expect(false, 64, write + "bar.sync 0;" + readOther + "bar.sync 0;" + back + write);
        // A barrier of one warp with itself orders nothing between warps.
        expect(true, 64, write + "shr.u32 %t1, %hi, 5; bar.sync %t1, 32;" + readOther);
        expect(false, 64, "ld.shared.u32 %r, [s]; ld.shared.u32 %r, [s+4];");
    }

    @Test
    void twoSidesOfABranchAreNotOrdered() {
        String sides = "@%q0 bra low; ld.shared.u32 %r, [%sa+-64]; bra.uni both; low: st.shared.u32 [%sa], %hi; both:";
        expect(true, 32, sides);
        String after = "@%q0 bra low; mov.b32 %r, 1; bra.uni both; low: st.shared.u32 [%sa], %hi; both:"
                + "ld.shared.u32 %r, [s+8];";
        expect(false, 32, after);
        String before = "st.shared.u32 [%sa], %hi; @%q0 bra low; ld.shared.u32 %r, [%sa+-64]; bra.uni both;"
                + "low: mov.b32 %r, 1; both:";
        expect(false, 32, before);
    }

    @Test
    void lanesThatLeaveALoopOneByOne() {
        // Lane i leaves in round i; in each round those left read what the one before them wrote when both were in.
        expect(
                false,
                32,
                "mov.b32 %t1, 0; loop: st.shared.u32 [%sa], %t1; add.u32 %t1, %t1, 1; setp.gt.u32 %q2, %t1, %hi;"
                        + "@%q2 bra out; ld.shared.u32 %r, [%sa+-4]; bra.uni loop; out:");
    }

    @Test
    void bytesOfAWordAreApart() {
        expect(false, 128, "add.u32 %t1, %base, %hi; st.shared.u8 [%t1], %hi; bar.sync 0; ld.shared.u32 %r, [s+4];");
        expect(
                true,
                64,
                "shr.u32 %t1, %hi, 1; add.u32 %t1, %base, %t1; setp.lt.u32 %q2, %hi, 33; @%q2 st.shared.u8 [%t1],"
                        + " %hi;");
        expect(
                true,
                64,
                "setp.lt.u32 %q2, %hi, 32; @%q2 st.shared.u32 [%sa], %hi; @!%q2 st.shared.u8 [%sa+-126], %hi;");
    }

    @Test
    void atomicsAmongThemselves() {
        expect(false, 128, "atom.shared.add.u32 %r, [s], 1;");
        expect(true, 64, "atom.shared.add.u32 %r, [s], 1; ld.shared.u32 %r, [s];");
        expect(false, 64, "atom.shared.add.u32 %r, [s], 1; bar.sync 0; ld.shared.u32 %r, [s];");
    }

    @Test
    void copiesAreWritesUntilTheBarrierAfterTheirWait() {
        String copy = "cp.async.ca.shared.global [%sa], [%at1], 4; cp.async.commit_group; cp.async.wait_group 0;";
        String readOther = "xor.b32 %sa, %sa, 128; ld.shared.u32 %r, [%sa];";
        expect(true, 64, copy + readOther);
        expect(false, 64, copy + "bar.sync 0;" + readOther);
    }
}
