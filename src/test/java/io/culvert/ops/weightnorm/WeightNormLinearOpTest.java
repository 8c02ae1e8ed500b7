package io.culvert.ops.weightnorm;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WeightNormLinearOpTest {
    @ParameterizedTest
    @CsvSource({"1, 2, 1", "3, 31, 33", "5, 37, 7", "2, 197, 5", "33, 3, 31", "2, 5, 1000"})
    void equalsItsTwin(int rows, int in, int out) {
        new OpTestKit()
                .input("x", rows, in)
                .parameter("g", out, 1)
                .parameter("v", out, in)
                .check(
                        (tape, x, p, store) ->
                                WeightNormLinearOp.record(tape, "last", x.get("x"), p.get("v"), p.get("g")),
                        v -> Reference.linear(v.get("x"), in, Reference.weightNorm(v.get("v"), v.get("g")), null));
    }

    /** A length that is fixed is a constant like any other. */
    @ParameterizedTest
    @CsvSource({"1, 2, 1", "3, 31, 33", "4, 5, 197"})
    void theLengthMayBeFixed(int rows, int in, int out) {
        new OpTestKit()
                .input("x", rows, in)
                .constant("g", out, 1)
                .parameter("v", out, in)
                .check(
                        (tape, x, p, store) ->
                                WeightNormLinearOp.record(tape, "last", x.get("x"), p.get("v"), x.get("g")),
                        v -> Reference.linear(v.get("x"), in, Reference.weightNorm(v.get("v"), v.get("g")), null));
    }

    @Test
    void refusesWhatDoesNotFit() {
        ParameterStore store = new ParameterStore();
        Tape tape = new Tape(true);
        Tensor x = Tensor.f32("x", 2, 3);
        assertThatThrownBy(() -> WeightNormLinearOp.record(
                        tape, "last", x, store.parameter("v", 5, 4), store.parameter("g", 5, 1)))
                .hasMessage("last: x F32 [2, 3] does not fit v F32 [5, 4] and g F32 [5, 1]");
        assertThatThrownBy(() -> WeightNormLinearOp.record(
                        tape, "last", x, store.parameter("w", 5, 3), store.parameter("h", 4, 1)))
                .hasMessageContaining("does not fit");
    }
}
