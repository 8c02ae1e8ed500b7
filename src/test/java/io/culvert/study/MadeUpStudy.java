package io.culvert.study;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Studies whose results are written down instead of computed. */
public final class MadeUpStudy {
    /** Every row of the study that is replicated: fourteen. */
    public static final String ROWS =
            """
            rows:
              untrained-resnet18: {untrained: true}
              supervised-resnet18: {method.name: supervised}
              simclr-resnet18: {method.name: simclr}
              barlow_twins-resnet18: {method.name: barlow_twins}
              byol-resnet18: {method.name: byol}
              dino-resnet18: {method.name: dino}
              untrained-vit_tiny: {untrained: true, model.name: vit_tiny}
              supervised-vit_tiny: {method.name: supervised, model.name: vit_tiny}
              simclr-vit_tiny: {method.name: simclr, model.name: vit_tiny}
              barlow_twins-vit_tiny: {method.name: barlow_twins, model.name: vit_tiny}
              byol-vit_tiny: {method.name: byol, model.name: vit_tiny}
              dino-vit_tiny: {method.name: dino, model.name: vit_tiny}
              mae-vit_tiny: {method.name: mae, model.name: vit_tiny}
              mae-as-published: {method.name: mae, method.as_published: true, model.name: vit_tiny}
            """;

    private MadeUpStudy() {}

    /** A study in a folder. */
    public static StudyConfig config(Path folder, String yaml) throws IOException {
        Files.writeString(folder.resolve("run.yaml"), "data: {csv: a.csv, images: a, val_csv: v.csv}\n");
        Path file = folder.resolve("study.yaml");
        Files.writeString(file, "folder: " + folder.resolve("it's") + "\nconfig: run.yaml\n" + yaml);
        return StudyConfig.load(file, List.of());
    }

    /** What a run came to. */
    public static void finish(PlannedRun run, List<Sidecar.Cell> cells, Map<String, Double> labelFree) throws IOException {
        Files.createDirectories(run.folder());
        boolean trained = !run.untrained();
        new Sidecar(
                        Sidecar.FORMAT, run.id(), run.evaluation(), run.row(), run.method(), run.backbone(), run.sampling(),
                        run.trainShare(), run.seed(), new Sidecar.Training(1000, 450, trained ? 20 : 0, trained ? 1.5 : null),
                        cells, labelFree, new Sidecar.Cost(trained ? 100 : 0, 5), Map.of("device", "cpu", "system", "Linux"),
                        "2026-01-0" + run.seed() + "T00:00:00Z")
                .write(run.folder());
    }

    /** The linear probe on one test set. */
    public static Sidecar.Cell cell(double testShare, Map<String, Double> metrics) {
        return new Sidecar.Cell("linear probe", testShare, 1000, (int) (1000 * testShare), metrics);
    }
}
