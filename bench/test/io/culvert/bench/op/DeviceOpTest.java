package io.culvert.bench.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.CulvertException;
import io.culvert.bench.culvert.CulvertOp;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.train.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a GPU is timed at is what the CPU computes; the times themselves mean nothing here. */
class DeviceOpTest {
    private static final List<OpShape> SHAPES = Stream.of(
                    "attention,2,5,3,16", "nt_xent,4,8", "barlow_twins,4,8", "byol,4,8", "dino,4,2,40", "mae,2,16,8")
            .map(OpShape::parse)
            .toList();

    @Test
    void aGpuComputesWhatTheCpuDoes() {
        List<ObjectNode> lines = new ArrayList<>();
        DeviceOp.time("emulator", "fp32", 2, 3, SHAPES, lines::add);
        assertThat(lines).hasSize(1 + 2 * SHAPES.size());
        assertThat(lines.removeFirst().get("bench").asText()).isEqualTo("ceilings");
        for (ObjectNode line : lines) {
            try (CulvertOp cpu = new CulvertOp(OpShape.parse(line.get("shape").asText()))) {
                cpu.train();
                double result = line.get("bench").asText().equals("op_train") ? cpu.gradientNorm() : cpu.outputNorm();
                assertThat(line.get("result").asDouble()).as(line.toString()).isCloseTo(result, within(1e-4 * result));
            }
            assertThat(line.get("seconds")).as(line.toString()).hasSize(3);
            assertThat(line.get("median_s").asDouble()).as(line.toString()).isPositive();
            // No share of rates that nobody measured.
            assertThat(line.has("of_copy")).isFalse();
        }
    }

    /** Two products forward and five backward of [197, 64] by [64, 197] in 512 x 3 heads; the packed projection read, y written, and back. */
    @Test
    void costsAreThoseOfTheFullSizeAndTakeNoMemory() {
        OpShape attention = OpShape.parse("attention,512,197,3,64");
        long product = 2L * 512 * 3 * 197 * 197 * 64;
        long map = 2L * 512 * 197 * 192;
        try (Device device = Run.open("emulator", 0, "bf16")) {
            long free = device.freeBytes();
            Cost cost = CulvertOp.cost(device, attention);
            assertThat(cost).isEqualTo(new Cost(2 * product, 4 * map, 7 * product, 8 * map));
            assertThat(device.freeBytes()).isEqualTo(free);
            // A loss is single precision in any network.
            OpShape mae = OpShape.parse("mae,256,224,16");
            assertThat(CulvertOp.cost(device, mae).forwardBytes()).isEqualTo(2L * 4 * 256 * 196 * 768);
        }
    }

    @Test
    void aCpuHasNoClockOfItsOwn() {
        assertThatThrownBy(() -> DeviceOp.time("cpu", "fp32", 1, 1, SHAPES, line -> {}))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("cuda or emulator");
    }
}
