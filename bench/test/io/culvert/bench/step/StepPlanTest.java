package io.culvert.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.train.Run;
import io.culvert.train.RunConfig;
import io.culvert.train.StepCost;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The plan of a step beside sums by hand. */
class StepPlanTest {
    private static Run run(String... keys) {
        return new Run(RunConfig.load(Path.of("gpu/step.yaml"), List.of(keys)));
    }

    @Test
    void aFullStepOfResNet18NeedsNoGpu() {
        try (Run run = run("device=emulator", "precision=bf16", "batch_size=256", "data.image_size=224")) {
            long free = run.device().freeBytes();
            Map<String, StepPlan.Row> rows = StepPlan.rows(StepCost.of(run), 1e15, 1e12);
            // 1.814 GMAC an image without its classifier, three times for 512 views, but the gradient of the pixels:
            // 0.118 GMAC of the first convolution.
            double flops = 2 * 512 * (3 * 1.814e9 - 0.118e9);
            StepPlan.Row convolutions = rows.get("Conv2dOp");
            assertThat(convolutions.operations()).isEqualTo(20);
            assertThat(convolutions.flops()).isCloseTo(flops, within(0.002 * flops));
            assertThat(convolutions.compute()).isCloseTo(convolutions.flops() / 1e15, within(1e-9));
            // Some wait for arithmetic, some for memory: the floor is above either sum, below both together.
            assertThat(convolutions.floor())
                    .isGreaterThan(Math.max(convolutions.compute(), convolutions.memory()))
                    .isLessThan(convolutions.compute() + convolutions.memory());
            assertThat(run.device().freeBytes()).isEqualTo(free);
            assertThat(StepPlan.lines(run, 1e15, 1e12))
                    .hasSize(3 + rows.size())
                    .first()
                    .asString()
                    .startsWith("simclr of resnet18, 256 images at 224 pixels, bf16: 12.75 million parameters");
        }
    }

    @Test
    void attentionOfAVisionTransformerIsCountedInEachBlock() {
        try (Run run = run("device=emulator", "model.name=vit_tiny", "model.patch=8", "batch_size=4", "data.image_size=32")) {
            Map<String, StepPlan.Row> rows = StepPlan.rows(StepCost.of(run), 1e15, 1e12);
            assertThat(rows.get("AttentionOp").operations()).isEqualTo(11);
            assertThat(rows.get("AttentionOp").flops()).isEqualTo(11.0 * 9 * 2 * 8 * 17 * 17 * 192);
            // Forward 4 products of a third of the weights for each of 8 class tokens and 2 for each head and token, backward 8 and 5.
            assertThat(rows.get("ClassAttentionOp").operations()).isEqualTo(1);
            assertThat(rows.get("ClassAttentionOp").flops())
                    .isEqualTo(12.0 * 2 * 8 * 192 * 192 + 7.0 * 2 * 8 * 17 * 192 * 3);
        }
    }
}
