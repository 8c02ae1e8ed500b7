package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.train.Pretraining;
import io.culvert.train.RunConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert pretrain}: from a folder of images to an encoder. */
@Command(
        name = "pretrain",
        description = {
            "Trains an encoder on images without looking at their labels.",
            "",
            "Writes into runs/NAME: encoder.safetensors (loads into timm), checkpoint.safetensors (to resume from),",
            "metrics.jsonl and config.resolved.yaml."
        },
        footer = {
            "",
            "Examples:",
            "  culvert pretrain --config configs/simclr-resnet18.yaml data.csv=SewerML_Train.csv data.images=train",
            "  culvert pretrain --config my.yaml optim.lr=0.1 name=lower-lr",
            "  culvert pretrain --config my.yaml --resume          goes on where the run was killed, bit for bit",
            "  culvert pretrain --help-config                      every key, its meaning and its default"
        })
final class PretrainCommand implements Runnable {
    @Option(names = "--config", paramLabel = "FILE", description = "The run's YAML file.")
    private Path config;

    @Parameters(paramLabel = "KEY=VALUE", description = "Keys that replace those of the file, dotted: optim.lr=0.1.")
    private List<String> overrides = List.of();

    @Mixin
    private Strictness strictness = new Strictness();

    @ArgGroup
    private ExistingRun existing = new ExistingRun();

    @Option(names = "--help-config", description = "Print every key with its meaning and default, and exit.")
    private boolean helpConfig;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        if (helpConfig) {
            PrintWriter out = spec.commandLine().getOut();
            out.print(RunConfig.reference());
            out.flush();
            return;
        }
        if (config == null) {
            throw CulvertException.usage("pretrain needs --config FILE, for example configs/simclr-resnet18.yaml");
        }
        Pretraining.run(
                RunConfig.load(config, overrides), existing.mode(), strictness.allowMissing(), strictness.ignoreUnknown());
    }
}
