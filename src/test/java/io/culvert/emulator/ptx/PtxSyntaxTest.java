package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PTX as people write it by hand, and text that is none. */
class PtxSyntaxTest {
    /** Two kernels with shared memory of one name, vectors, an alias, and declarations in odd places. */
    private static final String ODD = """
        .version 6.0 /* a comment
        of two lines */ .target sm_70, texmode_independent
        .address_size 64
        .pragma "nounroll";
        .global .v4 .f32 origin = {0f3F800000, -1.5, 0f40000000, 0d4010000000000000};
        .visible .global .attribute(.managed) .align 16 .u32 table[2][2] = {{1, 0x10}, {-1, 07}};
        .weak .func (.param .b32 r) thrice(.param .b32 a) {
          .reg .u32 %x; ld.param.u32 %x, [a]; mul.lo.u32 %x, %x, 3; st.param.b32 [r+0], %x; ret.uni; }
        .alias treble, thrice;
        .visible .entry small(.param .u64 .ptr .global .align 4 out) .maxntid 32, 1, 1 .minnctapersm 1 {
          .shared .align 4 .b8 buffer[128];
          .reg .pred p; .reg .b32 %r<9>, odd; .reg .b64 %rd<5>;
          mov.u32 %r0, %tid.x; mov.u32 %r1, buffer; mad.lo.u32 %r1, %r0, 4, %r1; st.shared.u32 [%r1+-0], %r0;
          ld.param.u64 %rd0, [out]; mul.wide.u32 %rd1, %r0, 4; add.u64 %rd0, %rd0, %rd1;
          mov.u64 %rd2, table + 4; ld.global.u32 %r2, [%rd2]; ld.global.v2.u32 {%r3, _}, [table+8];
          and.b32 odd, %r0, 1; setp.ne.u32 p, odd, 0;
          @!p bra EVEN;
          { .param .b32 a0; .param .b32 r0; .reg .b32 %r3; mov.u32 %r3, WARP_SZ; add.u32 %r3, %r3, %r0;
            st.param.b32 [a0], %r3; call.uni (r0), treble, (a0); ld.param.b32 %r2, [r0]; }
          EVEN: add.s32 %r2, %r2, %r3; ld.shared.u32 %r4, [%r1]; add.u32 %r2, %r2, %r4;
          st.global.u32 [%rd0], %r2; exit; }
        .visible .entry large(.param .u64 out) { .shared .u32 buffer[1024]; .reg .b32 %r; .reg .b64 %d;
          ld.param.u64 %d, [out]; mov.u32 %r, 5; st.shared.u32 [buffer+4092], %r; ld.shared.u32 %r, [buffer + 4092];
          st.global.u32 [%d], %r; ret; }
        """;

    @Test
    void oddPlacesAndOldNames() {
        PtxModule module = PtxModule.parse(ODD);
        Gpu gpu = new Gpu();
        long out = gpu.empty(128, "out");
        gpu.run(module.kernel("small"), Dim3.of(1), Dim3.of(32), 0, out);
        for (int i = 0; i < 32; i++) {
            int expected = (i % 2 == 1 ? 3 * (32 + i) : 16) - 1 + i;
            assertThat(gpu.ints(out, 32)[i]).isEqualTo(expected);
        }
        assertThat(gpu.floats(gpu.interpreter.load(module).address("origin"), 4)).containsExactly(1, -1.5f, 2, 4);
        assertThat(module.kernel("small").staticSharedBytes()).isEqualTo(128);
        gpu.run(module.kernel("large"), Dim3.of(1), Dim3.of(1), 0, out);
        assertThat(gpu.ints(out, 1)).containsExactly(5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".global .align 3 .u32 x;",
                ".global .align 0 .u32 x;",
                ".global .u32 x[99999999999];",
                ".global .u32 x[2] = {1, 2, 3};",
                ".global .u32 x[2][2] = {{1}, {2}};",
                ".global .u32 x = y;",
                ".global .u64 x = y;",
                ".global .u32 %;",
                ".global .u32",
                ".file 1",
                ".file 1 \"",
                ".entry",
                ".func f() { } .func f() { }",
                ".entry k() { L: L: ret; }",
                ".entry k() { mov.u32 %r1, ((((((((((1)))))))))); }",
                ".entry k() { @p",
                ".entry k(.param .u32) { }",
                ".entry k() .explicitcluster { ret; }",
                ".section .debug { .b8 1",
                "/* no end"
            })
    void refusesWithALine(String text) {
        assertThatThrownBy(() -> PtxModule.parse(".version 9.0\n.target sm_90\n.address_size 64\n" + text))
                .isInstanceOf(PtxException.class)
                .hasMessageStartingWith("PTX line ");
    }

    /** Text with bytes changed, left out or doubled either parses or names a line. */
    @Test
    void damagedText() {
        SplittableRandom random = new SplittableRandom(7);
        String[] texts = {ODD, Gpu.text("faults"), Gpu.text("groups")};
        for (int run = 0; run < 600; run++) {
            StringBuilder text = new StringBuilder(texts[run % 3]);
            int at = random.nextInt(text.length());
            switch (run / 3 % 4) {
                case 0 -> text.setLength(at + 1);
                case 1 -> text.setCharAt(at, (char) (text.charAt(at) ^ 1 << random.nextInt(7)));
                case 2 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(30)));
                default -> text.insert(at, text.substring(at, Math.min(text.length(), at + 1 + random.nextInt(30))));
            }
            String damaged = text.toString();
            Throwable thrown = catchThrowable(() -> PtxModule.parse(damaged));
            if (thrown != null) {
                assertThat(thrown).isInstanceOf(PtxException.class).hasMessageStartingWith("PTX line ");
            }
        }
    }
}
