package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.ops.Op;
import io.culvert.ops.Tape;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The step that a run failed in, done again with every operation's output kept, to see where NaN or infinity begins.
 *
 * @param step its number
 * @param loss what it comes to
 * @param inputs what the step reads from outside: batch, labels, the method's inputs
 * @param weights the parameters, as they were before the step
 * @param forward the result of each operation, in order
 * @param gradients of the parameters, in the order of the parameters: backward fills them from the last to the first
 */
public record Replay(
        int step, float loss, List<Line> inputs, List<Line> weights, List<Line> forward, List<Line> gradients) {
    /**
     * What a tensor holds.
     *
     * @param name of the operation, the parameter or the input
     * @param kind the operation's class; input, weight or gradient
     */
    public record Line(String name, String kind, String shape, Values values) {}

    /**
     * @param min of what is finite, as are max, mean and std; NaN where nothing is
     * @param nans how many are no numbers
     * @param infinities how many are infinite
     */
    public record Values(double min, double max, double mean, double std, long nans, long infinities) {
        static Values of(float... values) {
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            double sum = 0;
            double squares = 0;
            long nans = 0;
            long infinities = 0;
            for (float value : values) {
                if (Float.isNaN(value)) {
                    nans++;
                } else if (Float.isInfinite(value)) {
                    infinities++;
                } else {
                    min = Math.min(min, value);
                    max = Math.max(max, value);
                    sum += value;
                    squares += (double) value * value;
                }
            }
            long finite = values.length - nans - infinities;
            if (finite == 0) {
                return new Values(Double.NaN, Double.NaN, Double.NaN, Double.NaN, nans, infinities);
            }
            double mean = sum / finite;
            return new Values(
                    min, max, mean, Math.sqrt(Math.max(0, squares / finite - mean * mean)), nans, infinities);
        }

        public boolean isFinite() {
            return nans + infinities == 0;
        }

        private String broken() {
            return nans + " NaN and " + infinities + " infinities";
        }
    }

    /**
     * Does the step again. Takes the memory of all its activations at once.
     *
     * @param fileOrRun a {@code diverged.safetensors}, or the folder of the run that left one
     * @param overrides of the run's configuration, such as {@code device=cpu}
     * @throws CulvertException (usage) if there is no such file; (data) if it is damaged or none of a step that diverged
     */
    public static Replay of(Path fileOrRun, List<String> overrides) {
        Path file = Files.isDirectory(fileOrRun) ? RunFolder.divergedOf(fileOrRun) : fileOrRun;
        if (!Files.exists(file)) {
            throw CulvertException.usage(
                    "%s: no such file: only a run that diverged leaves one (exit code 5 of culvert pretrain)", file);
        }
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile saved = SafetensorsFile.map(file, arena);
            Map<String, String> metadata = saved.metadata();
            if (!Checkpoint.isDiverged(saved)) {
                throw CulvertException.data(
                        "%s: holds no step that diverged; pretrain writes such files as diverged.safetensors", file);
            }
            RunConfig config = RunConfig.parse(file, metadata.get("config"), overrides);
            try (Run run = new Run(config, Run.Plan.of(metadata))) {
                Trainer trainer = run.trainer(1, true);
                Checkpoint.resume(file, run.store(), trainer);
                DivergedStep.readBatch(saved, trainer, run.arena());
                return of(run, trainer);
            }
        }
    }

    /** @param trainer keeps every output, and has been given its batch */
    private static Replay of(Run run, Trainer trainer) {
        List<Line> inputs = trainer.inputs().stream().flatMap(input -> line(input.name(), "input", input)).toList();
        List<ParameterStore> stores = new ArrayList<>(List.of(run.store()));
        trainer.probe().ifPresent(probe -> stores.add(probe.store()));
        List<Parameter> parameters = stores.stream().flatMap(store -> store.parameters().stream()).toList();
        List<Line> weights = parameters.stream().flatMap(p -> line(p.name(), "weight", p.value())).toList();
        stores.forEach(ParameterStore::zeroGradients);
        Tape tape = trainer.tape();
        tape.forward();
        List<Line> forward = new ArrayList<>();
        for (Op op : tape.ops()) {
            line(op.name(), op.getClass().getSimpleName().replaceAll("Op$", ""), op.outputs().getFirst()).forEach(forward::add);
        }
        float loss = trainer.recorded().loss().item();
        tape.backward();
        List<Line> gradients = parameters.stream().flatMap(p -> line(p.name(), "gradient", p.gradient())).toList();
        return new Replay(trainer.steps(), loss, inputs, weights, forward, gradients);
    }

    /** Nothing for a tensor that holds no floats. */
    private static Stream<Line> line(String name, String kind, Tensor tensor) {
        return tensor.dtype() == DType.I32
                ? Stream.empty()
                : Stream.of(new Line(name, kind, tensor.shape().toString(), Values.of(tensor.toFloats())));
    }

    /** The first operation whose output is not finite; -1 if all are. */
    public int firstBroken() {
        return first(forward);
    }

    /** Whether the whole step is finite. */
    public boolean isFinite() {
        return first(inputs) < 0 && first(weights) < 0 && firstBroken() < 0 && first(gradients) < 0;
    }

    private static int first(List<Line> lines) {
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).values.isFinite()) {
                return i;
            }
        }
        return -1;
    }

    /** One line that says where it began. */
    public String verdict() {
        int input = first(inputs);
        if (input >= 0) {
            return "it began in the batch: %s holds %s".formatted(inputs.get(input).name, inputs.get(input).values.broken());
        }
        int op = firstBroken();
        if (op >= 0) {
            Line line = forward.get(op);
            return "it began in %s (%s), operation %d of %d: its output holds %s%s"
                    .formatted(line.name, line.kind, op + 1, forward.size(), line.values.broken(), brokenWeight(line.name));
        }
        int weight = first(weights);
        if (weight >= 0) {
            return "the forward pass is finite, but %s holds %s".formatted(weights.get(weight).name, weights.get(weight).values.broken());
        }
        int gradient = first(gradients.reversed());
        if (gradient >= 0) {
            Line line = gradients.reversed().get(gradient);
            return "the forward pass is finite (loss %s); it began in backward: the gradient of %s holds %s"
                    .formatted(loss, line.name, line.values.broken());
        }
        return "everything is finite, the loss is " + loss + ": computed on another device or build?";
    }

    /** Whether a weight that the operation reads was broken before the step. */
    private String brokenWeight(String op) {
        return weights.stream()
                .filter(weight -> weight.name.startsWith(op + ".") && !weight.values.isFinite())
                .findFirst()
                .map(weight -> ", and its %s held %s before the step".formatted(weight.name, weight.values.broken()))
                .orElse(", from finite inputs and weights");
    }
}
