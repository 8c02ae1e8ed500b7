package io.culvert.ops.conv2d;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Conv2dOpTest {
    @ParameterizedTest(name = "n{0} {1}x{2} {3}->{4} k{5} s{6} p{7} threads {8}")
    @CsvSource({
        "1, 1, 1, 1, 1, 1, 1, 0, 1",
        "2, 5, 7, 3, 5, 3, 1, 1, 2",
        "1, 8, 9, 5, 7, 3, 2, 1, 2",
        "2, 4, 4, 8, 16, 1, 2, 0, 2",
        "1, 6, 5, 16, 8, 1, 1, 0, 2",
        "1, 11, 9, 3, 8, 7, 2, 3, 2",
        "3, 2, 2, 31, 33, 3, 1, 1, 2",
        "1, 3, 3, 2, 3, 3, 1, 0, 1",
    })
    void matchesItsTwin(int n, int h, int w, int in, int out, int k, int stride, int padding, int threads) {
        new OpTestKit()
                .threads(threads)
                .input("x", n, h, w, in)
                .parameter("weight", out, in, k, k)
                .check(
                        (tape, inputs, parameters, store) -> Conv2dOp.record(
                                tape, "conv", inputs.get("x"), parameters.get("weight"), stride, padding),
                        v -> Reference.conv2d(
                                v.get("x"), n, h, w, in, v.get("weight"), out, k, stride, padding));
    }

    @Test
    void namesTheTensorsThatDoNotFit() {
        Tape tape = new Tape(true);
        Tensor x = tape.input(Tensor.f32("pixels", 1, 8, 8, 3));
        var weight = new ParameterStore().parameter("conv1.weight", 4, 5, 3, 3);
        assertThatThrownBy(() -> Conv2dOp.record(tape, "conv1", x, weight, 1, 1))
                .hasMessageContaining("conv1")
                .hasMessageContaining("[1, 8, 8, 3]")
                .hasMessageContaining("[4, 3, 3, 5]");
    }
}
