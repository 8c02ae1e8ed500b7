package io.culvert.ops.mlp;

import io.culvert.ops.OpTestKit;
import io.culvert.reference.Reference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MlpOpTest {
    /** More rows than a chunk, as many, fewer, and a last chunk of one. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1, 4096", "5, 7, 31, 3, 2", "33, 5, 8, 2, 32", "6, 3, 5, 4, 3", "70, 2, 3, 2, 69"})
    void equalsItsTwin(int rows, int in, int hidden, int out, int chunk) {
        new OpTestKit()
                .input("x", rows, in)
                .parameter("weight1", hidden, in)
                .parameter("bias1", hidden)
                .parameter("weight2", out, hidden)
                .parameter("bias2", out)
                .check(
                        (tape, x, p, store) -> MlpOp.record(
                                tape, "mlp", x.get("x"), new MlpOp.Layer(p.get("weight1"), p.get("bias1")),
                                new MlpOp.Layer(p.get("weight2"), p.get("bias2")), chunk),
                        v -> Reference.linear(
                                Reference.gelu(Reference.linear(v.get("x"), in, v.get("weight1"), v.get("bias1"))),
                                hidden, v.get("weight2"), v.get("bias2")));
    }
}
