package io.culvert.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.train.StepCost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CostsTest {
    private static final String ROWS =
            """
            rows:
              untrained: {untrained: true}
              simclr: {}
              half: {schedule.epochs: 5}
            keys:
              data.image_size: 32
              data.defect_share: 0.5
              batch_size: 4
              schedule.epochs: 10
              schedule.warmup_epochs: 0
              method.hidden: 32
              method.dim: 16
              threads: 1
            train_shares: [0.5, 0.2]
            test_shares: [0.5]
            seeds: [1]
            """;

    @TempDir
    Path folder;

    private Plan plan() throws IOException {
        StringBuilder csv = new StringBuilder("Filename,RB,OB,PF,DE,FS,IS,RO,IN,AF,BE,FO,GR,PH,PB,OS,OP,OK,Defect\n");
        for (int i = 0; i < 40; i++) {
            csv.append(i).append(".png,").append(i % 2).append(",0".repeat(16)).append(',').append(i % 2).append('\n');
        }
        Files.writeString(folder.resolve("a.csv"), csv);
        StudyConfig study = MadeUpStudy.config(folder, ROWS);
        Files.writeString(
                folder.resolve("run.yaml"),
                "data: {csv: %1$s/a.csv, images: %1$s, val_csv: %1$s/v.csv}\n".formatted(folder));
        return Plan.of(study);
    }

    /**
     * Shares of 20 sound pictures: 20 defects at 50 %, 5 at 20 %. Ten epochs of 40 / 4 and of 25 / 4 steps; half as many with half
     * the epochs. The finished run did 20 steps in 100 s.
     */
    @Test
    void stepsAndSecondsByHand() throws IOException {
        Plan plan = plan();
        PlannedRun finished = plan.runs().stream().filter(run -> run.row().equals("simclr")).findFirst().orElseThrow();
        MadeUpStudy.finish(finished, List.of(MadeUpStudy.cell(0.5, Map.of("auroc", 0.5))), Map.of());
        Costs costs = Costs.of(plan, false);
        assertThat(costs.runs()).extracting(Costs.Run::images).containsExactly(40, 40, 40, 25, 25, 25);
        assertThat(costs.runs()).extracting(Costs.Run::steps).containsExactly(0L, 100L, 50L, 0L, 60L, 30L);
        assertThat(costs.seconds(Optional.of("simclr")).orElseThrow()).isCloseTo(160 * 100 / 20.0, within(1e-6));
        assertThat(costs.rows().get("simclr").source()).isEqualTo("1 finished run");
        assertThat(costs.seconds(Optional.of("half"))).isEmpty();
        assertThat(costs.seconds(Optional.empty())).isEmpty();
        assertThat(costs.flops(Optional.of("simclr"))).isEqualTo(2 * costs.flops(Optional.of("half")));
    }

    /**
     * A ResNet-18 step at 32 pixels: 0.0370 GMAC forward, twice 2 views, of which backward is twice as much but for the gradient of
     * the pixels, which nobody wants: the first convolution, 0.0024 GMAC.
     */
    @Test
    void operationsOfAStep() throws IOException {
        PlannedRun run = plan().runs().get(1);
        double views = 2 * 4;
        double backbone = 2 * views * (3 * 0.0370e9 - 0.0024e9);
        assertThat((double) StepCost.flops(run.config())).isCloseTo(backbone, within(0.03 * backbone));
        assertThat(StepCost.rate(run.config())).isGreaterThan(1e6);
    }
}
