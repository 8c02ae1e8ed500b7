package io.culvert.ops.mlp;

import io.culvert.ops.OpTestKit;
import io.culvert.reference.Reference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MlpOpTest {
    /** More rows than a chunk, as many, fewer, and a last chunk of one; blocks that fill a chunk and such that do not. */
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 64, 4096", "5, 7, 31, 3, 1, 2", "33, 5, 8, 2, 8, 16", "6, 3, 5, 4, 3, 3", "70, 2, 3, 2, 64, 69",
        "31, 2, 3, 2, 4, 31", "17, 2, 5, 2, 3, 8"
    })
    void equalsItsTwin(int rows, int in, int hidden, int out, int block, int chunk) {
        new OpTestKit()
                .input("x", rows, in)
                .parameter("weight1", hidden, in)
                .parameter("bias1", hidden)
                .parameter("weight2", out, hidden)
                .parameter("bias2", out)
                .check(
                        (tape, x, p, store) -> MlpOp.record(
                                tape, "mlp", x.get("x"), new MlpOp.Layer(p.get("weight1"), p.get("bias1")),
                                new MlpOp.Layer(p.get("weight2"), p.get("bias2")), null, block, chunk),
                        v -> Reference.linear(
                                Reference.gelu(Reference.linear(v.get("x"), in, v.get("weight1"), v.get("bias1"))),
                                hidden, v.get("weight2"), v.get("bias2")));
    }

    @ParameterizedTest
    @CsvSource({"1, 3, 5, 3, 8, 8", "19, 5, 7, 6, 8, 16"})
    void addsAResidual(int rows, int in, int hidden, int out, int block, int chunk) {
        new OpTestKit()
                .input("x", rows, in)
                .input("residual", rows, out)
                .parameter("weight1", hidden, in)
                .parameter("bias1", hidden)
                .parameter("weight2", out, hidden)
                .parameter("bias2", out)
                .check(
                        (tape, x, p, store) -> MlpOp.record(
                                tape, "mlp", x.get("x"), new MlpOp.Layer(p.get("weight1"), p.get("bias1")),
                                new MlpOp.Layer(p.get("weight2"), p.get("bias2")), x.get("residual"), block, chunk),
                        v -> Reference.addBias(
                                v.get("residual"),
                                Reference.linear(
                                        Reference.gelu(
                                                Reference.linear(v.get("x"), in, v.get("weight1"), v.get("bias1"))),
                                        hidden, v.get("weight2"), v.get("bias2"))));
    }
}
