package io.culvert.cli;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.SewerMlCsv;
import io.culvert.train.EncoderFile;
import io.culvert.train.Encoding;
import io.culvert.train.Features;
import io.culvert.train.RunConfig;
import io.culvert.train.RunFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert embed}: images to feature vectors, for use elsewhere. */
@Command(
        name = "embed",
        description = {
            "Encodes images with a run's encoder, or any that matches a configuration, and writes their feature vectors.",
            "",
            "FILE.safetensors holds embeddings [n, d] and, where the images have labels, labels [n] (1: defect);",
            "FILE.csv has a line an image: Filename,Defect,f0,f1,... with Defect empty where it is not known.",
            "Rows are in the order of the annotations."
        },
        footer = {
            "",
            "Examples:",
            "  culvert embed --run runs/demo --csv data/demo/SewerML_Val.csv --images data/demo/valid --out features.csv",
            "  culvert embed --config configs/simclr-resnet18.yaml --encoder timm-resnet18.safetensors \\",
            "      --csv val.csv --images valid --out features.safetensors data.csv=val.csv data.images=valid"
        })
final class EmbedCommand implements Runnable {
    @ArgGroup(multiplicity = "1", exclusive = true)
    private Source source;

    @Mixin
    private Strictness strictness = new Strictness();

    @Option(names = "--csv", paramLabel = "FILE", required = true, description = "Annotations: which images.")
    private Path csv;

    @Option(names = "--images", paramLabel = "DIR", required = true, description = "The folder of the images.")
    private Path images;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "File to write, .safetensors or .csv; replaced if it is there.")
    private Path out;

    @Parameters(paramLabel = "KEY=VALUE", description = "Keys that replace those the run was trained with, as device=cuda.")
    private List<String> overrides = List.of();

    @Spec
    private CommandSpec spec;

    private static final class Source {
        @Option(names = "--run", paramLabel = "DIR", required = true, description = "The folder of a finished run.")
        private Path run;

        @ArgGroup(exclusive = false)
        private Weights weights;

        Path config() {
            return run != null ? RunFolder.configOf(run) : weights.config;
        }

        Path encoder() {
            return run != null ? RunFolder.encoderOf(run) : weights.encoder;
        }
    }

    private static final class Weights {
        @Option(names = "--config", paramLabel = "FILE", required = true, description = "A run's YAML file: which backbone.")
        private Path config;

        @Option(names = "--encoder", paramLabel = "FILE", required = true, description = "Its weights, under timm's names.")
        private Path encoder;
    }

    @Override
    public void run() {
        boolean table = out.toString().endsWith(".csv");
        if (!table && !out.toString().endsWith(".safetensors")) {
            throw CulvertException.usage("--out: %s must end in .safetensors or .csv", out);
        }
        RunConfig config = RunConfig.load(source.config(), overrides);
        Dataset dataset = SewerMlCsv.read(csv, images);
        EncoderFile weights =
                new EncoderFile(source.encoder(), strictness.allowMissing(), strictness.ignoreUnknown());
        Features features = Encoding.of(config, weights, dataset);
        if (table) {
            AtomicFile.replace(out, channel -> write(channel, features, dataset));
        } else {
            Encoding.save(out, features, dataset, Map.of("encoder", weights.path().toString(), "csv", csv.toString()));
        }
        spec.commandLine().getOut().printf("%s: %d x %d%n", out, features.rows(), features.width());
        spec.commandLine().getOut().flush();
    }

    private static void write(FileChannel channel, Features features, Dataset dataset) throws IOException {
        StringBuilder line = new StringBuilder("Filename,Defect");
        for (int i = 0; i < features.width(); i++) {
            line.append(",f").append(i);
        }
        writeLine(channel, line);
        for (int row = 0; row < features.rows(); row++) {
            line.setLength(0);
            line.append(dataset.get(row).file()).append(',');
            if (dataset.get(row).labelled()) {
                line.append(dataset.get(row).defective() ? 1 : 0);
            }
            for (int i = 0; i < features.width(); i++) {
                line.append(',').append(features.values()[row * features.width() + i]);
            }
            writeLine(channel, line);
        }
    }

    private static void writeLine(FileChannel channel, StringBuilder line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
