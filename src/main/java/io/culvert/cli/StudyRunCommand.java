package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.study.Plan;
import io.culvert.study.StudyConfig;
import io.culvert.study.Workers;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study run}: runs what is left of a study. */
@Command(
        name = "run",
        description = {
            "Runs what is left of a study, so many runs at a time, in as many processes of their own.",
            "",
            "May be killed at any moment and started again, and started on several machines that see the study's folder: each run is trained once, goes on from its last checkpoint, and is taken over from a worker that died. A run that fails does not stop the others; culvert study retry sets it free again."
        },
        footer = {
            "",
            "Examples:",
            "  culvert study run --config configs/study-small.yaml --workers 2 threads=1",
            "  culvert study run --config configs/study-paper.yaml --gpus 0,1,2,3 device=cuda"
        })
final class StudyRunCommand implements Runnable {
    @Mixin
    private StudyCommand.Which which;

    @Mixin
    private StudyCommand.Patience patience;

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "Runs at a time on this machine; as many as its cores allow, one a GPU with --gpus.")
    private Optional<Integer> workers;

    @Option(
            names = "--gpus",
            paramLabel = "N",
            split = ",",
            description = "Numbers of the GPUs to share out; each run sees one.")
    private List<Integer> gpus = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter err = spec.commandLine().getErr();
        StudyConfig study = which.study();
        try {
            StudyCommand.Which.prepare(study, patience.dead(), err);
            Plan plan = Plan.of(study);
            plan.write();
            int slots = workers.orElseGet(() -> slots(plan));
            if (slots < 1) {
                throw CulvertException.usage("--workers: at least 1, got %d", slots);
            }
            StudyProgress progress = new StudyProgress(plan, slots, err);
            Workers.run(plan, new Workers.Options(slots, gpus, patience.dead()), progress);
            progress.finish();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private int slots(Plan plan) {
        if (!gpus.isEmpty()) {
            return gpus.size();
        }
        int cores = Runtime.getRuntime().availableProcessors();
        int threads = plan.runs().stream()
                .mapToInt(run -> run.config().threads() == 0 ? cores : run.config().threads())
                .max()
                .orElse(cores);
        return Math.max(1, cores / threads);
    }
}
