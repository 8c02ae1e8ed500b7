package io.culvert.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.bench.culvert.CulvertOp;
import io.culvert.bench.op.OpShape;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Culvert's side of the operations does what PyTorch's does, and the benchmark would see if it did not. */
class OpBenchTest {
    /** What {@code bench/peers/ops.py --op CASE} prints as results of either. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "batch_norm,31,7,9,33 | 253.081  | 252.927",
                "layer_norm,197,191   | 193.9767 | 193.761",
                "attention,3,33,5,17  | 23.7569  | 37.84395",
                "nt_xent,31,33        | 4.314881 | 0.2227536",
                "barlow_twins,31,64   | 69.83191 | 4.333091",
                "byol,31,33           | 2.059316 | 0.04452919",
                "dino,5,4,1000        | 20.78007 | 0.4814155",
                "mae,3,33,11          | 1.998976 | 0.03498196"
            })
    void computesWhatPyTorchDoes(String text, double output, double gradient) {
        try (CulvertOp op = new CulvertOp(OpShape.parse(text))) {
            op.train();
            assertThat(op.gradientNorm()).isCloseTo(gradient, within(1e-5 * gradient));
        }
        try (CulvertOp op = new CulvertOp(OpShape.parse(text))) {
            op.forward();
            assertThat(op.outputNorm()).isCloseTo(output, within(1e-5 * output));
        }
    }

    @Test
    void manyCallsLeaveABatchNormalisationsGradientAsLargeAsItWas() {
        try (CulvertOp op = new CulvertOp(OpShape.parse("batch_norm,31,7,9,33"))) {
            for (int call = 0; call < 300; call++) {
                op.train();
            }
            assertThat(op.gradientNorm()).isCloseTo(252.927, within(0.01));
        }
    }

    @Test
    void anUnknownOperationOrAWrongNumberOfSizesIsAUsageError() {
        for (String text : List.of("group_norm,1,2", "layer_norm,197", "mae,3,33,x", "")) {
            assertThatThrownBy(() -> OpShape.parse(text))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageStartingWith("'" + text + "'");
        }
    }

    @Test
    void sidesThatComputeOtherThingsAreNotCompared() {
        Agreement.check(List.of(computed("culvert", 2), computed("djl", 2.001), computed("pytorch eager", Double.NaN)));
        assertThatThrownBy(() -> Agreement.check(List.of(computed("culvert", 2), computed("djl", 2.01))))
                .hasMessageContaining("op_train byol,31,33: culvert computes 2.00000, djl 2.01000");
    }

    private static Measurement computed(String side, double result) {
        return new Measurement(
                "op_train", "byol,31,33", side, List.of(1.0), 1, 1, new Measurement.First(1, result));
    }
}
