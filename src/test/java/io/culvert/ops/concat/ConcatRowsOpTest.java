package io.culvert.ops.concat;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On the emulator a step of DINO with small views uses it: DinoTest. */
class ConcatRowsOpTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 5, 31", "33, 2, 197"})
    void equalsItsTwin(int first, int second, int width) {
        new OpTestKit()
                .input("a", first, width)
                .input("b", second, width)
                .check((tape, x, p, store) -> ConcatRowsOp.record(tape, "concat", x.get("a"), x.get("b")), v -> {
                    double[] both = Arrays.copyOf(v.get("a"), (first + second) * width);
                    System.arraycopy(v.get("b"), 0, both, first * width, second * width);
                    return both;
                });
    }

    @Test
    void refusesRowsThatDiffer() {
        assertThatThrownBy(() -> ConcatRowsOp.record(new Tape(true), "concat", Tensor.f32("a", 2, 3), Tensor.f32("b", 2, 4)))
                .hasMessage("concat: the rows of a F32 [2, 3] and b F32 [2, 4] differ");
    }
}
