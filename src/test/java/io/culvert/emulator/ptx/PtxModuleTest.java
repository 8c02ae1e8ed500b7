package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused, and how kernels and launches describe themselves. */
class PtxModuleTest {
    private static final Dim3 ONE = Dim3.of(1);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "frobnicate.b32 %r, %ra;",
                "add.nonsense.f32 %r, %ra, %rb;",
                "add.f32 %r, %ra;",
                "add.u32 %r, %ra, %missing;",
                "add.u32 %d, %ra, %rb;",
                "ld.global.v3.u32 {%t0, %t1, %t2}, [%at1];",
                "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%t0}, {%t1}, {%t2}, {%t3};",
                "cvt.f16.f32 %h, %ra;",
                "cvt.s32.f32 %r, %ra;",
                "bra NOWHERE;",
                "tex.2d.v4.f32.f32 {%t0, %t1, %t2, %t3}, [%ra, {%rb, %rc}];"
            })
    void namesTheLineOfWhatItDoesNotSupport(String statement) {
        String text = Snippet.module(statement);
        int line = 1
                + (int) text.substring(0, text.indexOf(statement))
                        .chars()
                        .filter(c -> c == '\n')
                        .count();
        assertThatThrownBy(() -> PtxModule.parse(text))
                .isInstanceOf(PtxException.class)
                .hasMessageStartingWith("PTX line %d: ".formatted(line));
    }

    @Test
    void refusesWhatIsNoPtx() {
        assertThatThrownBy(() -> PtxModule.parse("")).isInstanceOf(PtxException.class);
        assertThatThrownBy(() -> PtxModule.parse(".version 8.0\n.target sm_80\n.surfref s;"))
                .hasMessage("PTX line 3: unsupported: directive '.surfref' in: .surfref s;");
        assertThatThrownBy(() -> PtxModule.parse(".version 8.0\n.visible .entry k() {\n ret"))
                .hasMessageContaining("the text ends in the middle of a statement");
    }

    /** Whatever is cut off or changed, the text is read or refused: no other exception. */
    @Test
    void refusesBrokenTextInAnOrderlyWay() {
        String text = Gpu.text("faults") + Gpu.text("basics").substring(0, 8000);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 400; i++) {
            int at = random.nextInt(text.length());
            String broken = switch (i % 3) {
                case 0 -> text.substring(0, at);
                case 1 -> text.substring(0, at) + text.substring(Math.min(text.length(), at + random.nextInt(9)));
                default -> text.substring(0, at) + ";,[]{}.%1x".charAt(random.nextInt(10)) + text.substring(at);
            };
            try {
                PtxModule.parse(broken);
            } catch (PtxException e) {
                assertThat(e.line()).isPositive();
            }
        }
    }

    @Test
    void kernelsDescribeThemselves() {
        PtxKernel kernel = Gpu.kernel("shared", "layer_norm");
        assertThat(kernel.module().target()).isEqualTo("sm_80");
        assertThat(kernel.module().kernels()).containsKeys("attention", "histogram");
        assertThat(kernel.parameters())
                .extracting(PtxKernel.Parameter::type)
                .containsExactly("u64", "u64", "u64", "u64", "u32", "f32");
        assertThat(kernel.parameters()).extracting(PtxKernel.Parameter::offset).containsExactly(0, 8, 16, 24, 32, 36);
        assertThat(kernel.parameterBytes()).isEqualTo(40);
        assertThat(kernel.staticSharedBytes()).isEqualTo(128);
        assertThat(Gpu.kernel("basics", "sort_small").localBytes()).isEqualTo(64);
        assertThatThrownBy(() -> kernel.module().kernel("nothing")).hasMessageContaining("layer_norm");
    }

    @Test
    void refusesBadLaunches() {
        PtxKernel kernel = Gpu.kernel("shared", "tree_reduce");
        assertThatThrownBy(() -> Launch.of(kernel, ONE, Dim3.of(32, 33), 0, 0L, 0L, 0))
                .hasMessageContaining("1056 threads");
        assertThatThrownBy(() -> Launch.of(kernel, Dim3.of(0), ONE, 0, 0L, 0L, 0))
                .hasMessageContaining("grid");
        assertThatThrownBy(() -> Launch.of(kernel, Dim3.of(1, 70000), ONE, 0, 0L, 0L, 0))
                .hasMessageContaining("65535");
        assertThatThrownBy(() -> Launch.of(kernel, ONE, ONE, 50000, 0L, 0L, 0)).hasMessageContaining("limit of 49152");
        assertThatThrownBy(() -> Launch.of(kernel, ONE, ONE, 0, 0L, 0L)).hasMessageContaining("2 arguments");
        assertThatThrownBy(() -> Launch.of(kernel, ONE, ONE, 0, 0L, 0, 0))
                .hasMessageContaining("argument 1 has 4 bytes")
                .isInstanceOfSatisfying(
                        KernelFault.class, f -> assertThat(f.kind()).isEqualTo(KernelFault.Kind.BAD_LAUNCH));
        PtxKernel bounded = Gpu.kernel("math", "single_functions");
        assertThatThrownBy(() -> Launch.of(bounded, ONE, Dim3.of(129), 0, 0L, 0L, 0))
                .hasMessageContaining("the 128 threads");
        Launch small = Launch.of(kernel, ONE, ONE, 40000, 0L, 0L, 0);
        Launch big = new Launch(kernel, ONE, ONE, 90000, small.params(), Launch.SHARED_OPT_IN);
        assertThat(big.dynamicShared()).isEqualTo(90000);
        assertThatThrownBy(() -> small.withSharedLimit(200_000)).hasMessageContaining("exceeds");
    }

    @Test
    void takesPointersToParameters() {
        Gpu gpu = new Gpu();
        int n = 5;
        long out = gpu.empty(20, "out");
        long a = gpu.put("a", Gpu.random(1, n));
        try (Arena arena = Arena.ofConfined()) {
            long[] values = {out, a, a, n};
            MemorySegment pointers = arena.allocate(ValueLayout.ADDRESS, values.length);
            for (int i = 0; i < values.length; i++) {
                pointers.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(ValueLayout.JAVA_LONG, values[i]));
            }
            PtxKernel kernel = Gpu.kernel("basics", "vector_add");
            MemorySegment asFromC = MemorySegment.ofAddress(pointers.address());
            Launch launch = Launch.ofPointers(kernel, ONE, Dim3.of(32), 0, asFromC, Launch.SHARED_DEFAULT);
            gpu.interpreter.run(launch, ExecutionOrder.FORWARD);
        }
        assertThat(gpu.floats(out, n)[4]).isEqualTo(2 * gpu.floats(a, n)[4]);
    }
}
