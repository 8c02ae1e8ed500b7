package io.culvert.ops;

import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.gelu.GeluOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.softmax.SoftmaxOp;
import io.culvert.reference.Reference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The operations of a vision transformer against their twins. */
class TransformerOpsTest {
    private static final double EPS = 1e-6;

    @ParameterizedTest
    @CsvSource({"1, 2", "5, 37", "33, 31"})
    void softmax(int rows, int width) {
        new OpTestKit()
                .input("x", rows, width)
                .check(
                        (tape, x, p, store) -> SoftmaxOp.record(tape, "softmax", x.get("x")),
                        v -> Reference.softmax(v.get("x"), width));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 33})
    void gelu(int count) {
        new OpTestKit()
                .input("x", count)
                .check((tape, x, p, store) -> GeluOp.record(tape, "gelu", x.get("x")), v -> Reference.gelu(v.get("x")));
    }

    @ParameterizedTest
    @CsvSource({"1, 3", "5, 37", "33, 31"})
    void layerNorm(int rows, int width) {
        new OpTestKit()
                .input("x", rows, width)
                .parameter("weight", width)
                .parameter("bias", width)
                .check(
                        (tape, x, p, store) -> LayerNormOp.record(
                                tape, "norm", x.get("x"), p.get("weight"), p.get("bias"), EPS),
                        v -> Reference.layerNorm(v.get("x"), width, v.get("weight"), v.get("bias"), EPS));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 2, 3", "2, 3, 5, 8", "1, 2, 17, 5"})
    void attention(int batch, int heads, int n, int d) {
        new OpTestKit()
                .input("q", batch, heads, n, d)
                .input("k", batch, heads, n, d)
                .input("v", batch, heads, n, d)
                .check(
                        (tape, x, p, store) ->
                                AttentionOp.record(tape, "attention", x.get("q"), x.get("k"), x.get("v"), 0.5),
                        v -> Reference.attention(v.get("q"), v.get("k"), v.get("v"), batch * heads, n, d, 0.5));
    }
}
