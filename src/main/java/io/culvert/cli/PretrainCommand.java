package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.ranks.Launch;
import io.culvert.ranks.RankProcesses;
import io.culvert.study.Lifeline;
import io.culvert.train.Pretraining;
import io.culvert.train.RunConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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
            "  culvert pretrain --config my.yaml --ranks 2         on two GPUs, or two processes of the CPU",
            "  culvert pretrain --help-config                      every key, its meaning and its default"
        })
final class PretrainCommand implements Callable<Integer> {
    private static final String RANKS = "--ranks";

    @Option(names = "--config", paramLabel = "FILE", description = "The run's YAML file.")
    private Path config;

    @Parameters(paramLabel = "KEY=VALUE", description = "Keys that replace those of the file, dotted: optim.lr=0.1.")
    private List<String> overrides = List.of();

    @Mixin
    private Strictness strictness = new Strictness();

    @ArgGroup
    private ExistingRun existing = new ExistingRun();

    @Option(
            names = RANKS,
            paramLabel = "N",
            description = {
                "Train in N processes of this machine, each with its part of every batch. 1: alone, whatever the",
                "environment says. Without it the environment decides: torchrun's, Open MPI's or Slurm's variables."
            })
    private Integer ranks;

    @Option(names = "--help-config", description = "Print every key with its meaning and default, and exit.")
    private boolean helpConfig;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (helpConfig) {
            PrintWriter out = spec.commandLine().getOut();
            out.print(RunConfig.reference());
            out.flush();
            return 0;
        }
        if (config == null) {
            throw CulvertException.usage("pretrain needs --config FILE, for example configs/simclr-resnet18.yaml");
        }
        if (ranks != null && ranks < 1) {
            throw CulvertException.usage("--ranks %d: at least 1", ranks);
        }
        RunConfig run = RunConfig.load(config, overrides);
        if (ranks != null && ranks > 1) {
            return RankProcesses.run(ranks, Main.class, argumentsOfEach());
        }
        if (RankProcesses.isOne()) {
            Lifeline.hold(System.in);
        }
        Launch launch = ranks == null ? Launch.of(System.getenv()) : Launch.ALONE;
        Pretraining.run(run, existing.mode(), strictness.allowMissing(), strictness.ignoreUnknown(), launch);
        return 0;
    }

    /** This command line without the number of ranks. */
    private List<String> argumentsOfEach() {
        List<String> all = spec.root().commandLine().getParseResult().originalArgs();
        List<String> kept = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).equals(RANKS)) {
                i++; // its value
            } else if (!all.get(i).startsWith(RANKS + "=")) {
                kept.add(all.get(i));
            }
        }
        return kept;
    }
}
