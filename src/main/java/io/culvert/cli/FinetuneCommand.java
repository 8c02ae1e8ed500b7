package io.culvert.cli;

import io.culvert.ranks.Launch;
import io.culvert.train.Pretraining;
import io.culvert.train.RunConfig;
import io.culvert.train.RunFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert finetune}: from an encoder and labels to a better encoder with a classifier. */
@Command(
        name = "finetune",
        description = {
            "Trains the encoder of a finished run further, with labels and a classifier on top, then judges both.",
            "",
            "A run of its own, beside the first one: runs/NAME-finetuned. It has that run's configuration but for the",
            "method, supervised, and the study's optimiser for it: adamw, lr 5e-4, weight decay 1e-4."
        },
        footer = {
            "",
            "Examples:",
            "  culvert finetune --run runs/demo",
            "  culvert finetune --run runs/mine schedule.epochs=10 schedule.warmup_epochs=1 optim.lr=1e-4",
            "",
            "From scratch, to compare: culvert pretrain --config configs/supervised-resnet18.yaml ..."
        })
final class FinetuneCommand implements Runnable {
    @Option(names = "--run", paramLabel = "DIR", required = true, description = "The folder of a finished run.")
    private Path run;

    @Mixin
    private Strictness strictness = new Strictness();

    @ArgGroup
    private ExistingRun existing = new ExistingRun();

    @Parameters(paramLabel = "KEY=VALUE", description = "Keys that replace those the run was trained with.")
    private List<String> overrides = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Path resolved = RunFolder.configOf(run);
        String name = RunConfig.load(resolved, List.of()).name();
        List<String> keys = new ArrayList<>(List.of(
                "name=" + name + "-finetuned",
                "model.weights=" + RunFolder.encoderOf(run),
                "method.name=supervised",
                "optim.name=adamw",
                "optim.lr=5e-4",
                "optim.weight_decay=1e-4",
                "schedule.warmup_start_lr=3e-5"));
        keys.addAll(overrides);
        RunConfig config = RunConfig.load(resolved, keys);
        Pretraining.run(config, existing.mode(), strictness.allowMissing(), strictness.ignoreUnknown(), Launch.ALONE);
        List<String> commands = List.of(
                "culvert finetune --run " + run + overrides.stream().map(o -> " " + o).reduce("", String::concat));
        ProbeCommand.probe(config, config.folder(), List.of(), commands, spec.commandLine().getOut());
    }
}
