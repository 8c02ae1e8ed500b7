package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.bce.BceWithLogitsOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AverageGradientsOpTest {
    private static final int WIDTH = 16;
    private static final int LAYERS = 5;

    /** Ranges meet without a gap from the slab's end to its begin, none before backward is done with what is in it. */
    @ParameterizedTest
    @CsvSource({"1, 5", "1500, 2", "100000000, 1"})
    void rangesFollowBackward(long rangeBytes, int ranges) {
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Tape tape = new Tape(true);
            Tensor x = tape.input(Tensor.f32("x", 2, WIDTH));
            Tensor h = x;
            for (int layer = 0; layer < LAYERS; layer++) {
                int out = layer == LAYERS - 1 ? 1 : WIDTH;
                h = LinearOp.record(
                        tape, "layer" + layer, h, store.parameter("weight" + layer, out, WIDTH),
                        store.parameter("bias" + layer, out));
            }
            Tensor labels = tape.input(Tensor.f32("labels", 2));
            BceWithLogitsOp.record(tape, "loss", h, labels, 1);
            store.allocate(arena);
            tape.plannedBytes(device);
            List<Op> backward = new ArrayList<>(tape.backwardOps());

            AverageGradientsOp.insert(backward, rangeBytes);

            Tensor last = store.parameters().getLast().gradient();
            long begun = last.offset() + last.bytes();
            int found = 0;
            for (int i = 0; i < backward.size(); i++) {
                if (backward.get(i) instanceof AverageGradientsOp range) {
                    found++;
                    assertThat(range.to()).isEqualTo(begun);
                    assertThat(range.from()).isLessThan(begun);
                    begun = range.from();
                    assertUntouchedAfter(backward.subList(i, backward.size()), range);
                }
            }
            assertThat(begun).isZero();
            assertThat(found).isEqualTo(ranges);
        }
    }

    private static void assertUntouchedAfter(List<Op> later, AverageGradientsOp range) {
        for (Op op : later) {
            for (Parameter parameter : op.parameters()) {
                long offset = parameter.gradient().offset();
                assertThat(offset >= range.to() || offset + parameter.gradient().bytes() <= range.from())
                        .as("%s of %s and %s", parameter.name(), op, range)
                        .isTrue();
            }
        }
    }
}
