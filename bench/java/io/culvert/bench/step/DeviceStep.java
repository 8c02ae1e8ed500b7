package io.culvert.bench.step;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.CulvertException;
import io.culvert.tensor.Parameter;
import io.culvert.train.Run;
import io.culvert.train.RunConfig;
import io.culvert.train.Trainer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The step that a configuration describes, on its device, on random pixels that stay the same: timed, or compared with
 * the same steps on the CPU. Prints one JSON line. Needs neither JMH nor a peer, so that it can be packed for a machine
 * that has only a driver ({@code bench/gpu}).
 *
 * <p>Exit codes as the program's, and 1 if the devices differ.
 */
public final class DeviceStep {
    private static final String USAGE = "DeviceStep time|compare CONFIG WARMUP STEPS [KEY=VALUE...]";
    private static final long CONSTANT_RATE = 1_000_000;

    /**
     * Relative, of each weight's 2-norm after the first step and of the losses of all: from step to step batch
     * normalisation and ReLU make rounding grow, most of all in biases that began at 0.
     */
    private static final double TOLERANCE = 1e-3;

    private DeviceStep() {}

    /** Runs one command, see {@code USAGE}. */
    public static void main(String[] args) {
        try {
            System.exit(run(args));
        } catch (CulvertException e) {
            System.err.println("culvert: error: " + e.getMessage());
            System.exit(e.kind().exitCode);
        }
    }

    private static int run(String[] args) {
        if (args.length < 4 || !List.of("time", "compare").contains(args[0])) {
            throw CulvertException.usage("%s", USAGE);
        }
        List<String> overrides = List.of(args).subList(4, args.length);
        RunConfig config = RunConfig.load(Path.of(args[1]), overrides);
        int warmup = Integer.parseInt(args[2]);
        int steps = Integer.parseInt(args[3]);
        if (args[0].equals("time")) {
            time(config, warmup, steps, overrides);
            return 0;
        }
        List<String> onCpu = new ArrayList<>(overrides);
        onCpu.add("device=cpu");
        return compare(config, RunConfig.load(Path.of(args[1]), onCpu), warmup + steps) ? 0 : 1;
    }

    private static void time(RunConfig config, int warmup, int steps, List<String> overrides) {
        long start = System.nanoTime();
        try (Run run = new Run(config);
                Arena arena = Arena.ofShared()) {
            Trainer trainer = run.trainer((int) CONSTANT_RATE);
            MemorySegment views = views(run, config, arena);
            double firstLoss = trainer.step(views);
            double opened = (System.nanoTime() - start) / 1e9;
            for (int i = 1; i < warmup; i++) {
                trainer.step(views);
            }
            ObjectNode line = describe(run, trainer, config, overrides);
            line.put("until_first_loss_s", opened).put("first_loss", firstLoss);
            // Without the copy of the batch, which a run's feed makes while the device computes.
            List<Double> seconds = new ArrayList<>();
            double loss = 0;
            for (int i = 0; i < steps; i++) {
                long before = System.nanoTime();
                loss = trainer.step();
                seconds.add((System.nanoTime() - before) / 1e9);
            }
            double median = median(seconds);
            line.put("median_s", median).put("images_per_s", config.batchSize() / median);
            line.put("loss", loss);
            seconds.forEach(line.putArray("seconds")::add);
            System.out.println(line);
        }
    }

    private static ObjectNode describe(Run run, Trainer trainer, RunConfig config, List<String> overrides) {
        ObjectNode line = new ObjectMapper().createObjectNode();
        line.put("bench", "step").put("side", "culvert");
        line.put("shape", config.batchSize() + "," + config.data().imageSize());
        line.put("device", run.device().describe());
        overrides.forEach(line.putArray("keys")::add);
        line.put("step_bytes", trainer.tape().stepBytes());
        return line;
    }

    /** The losses of all steps, the weights after the first. */
    private record Trained(String device, List<Float> losses, List<String> names, List<float[]> weights) {}

    private static Trained train(RunConfig config, int steps) {
        try (Run run = new Run(config);
                Arena arena = Arena.ofShared()) {
            Trainer trainer = run.trainer((int) CONSTANT_RATE);
            MemorySegment views = views(run, config, arena);
            List<Float> losses = new ArrayList<>();
            List<String> names = new ArrayList<>();
            List<float[]> weights = new ArrayList<>();
            for (int i = 0; i < steps; i++) {
                losses.add(trainer.step(views));
                if (i == 0) {
                    for (Parameter parameter : run.store().parameters()) {
                        names.add(parameter.name());
                        weights.add(parameter.value().toFloats());
                    }
                }
            }
            return new Trained(run.device().describe(), losses, names, weights);
        }
    }

    private static boolean compare(RunConfig config, RunConfig onCpu, int steps) {
        Trained got = train(config, steps);
        Trained want = train(onCpu, steps);
        double lossError = 0;
        for (int i = 0; i < steps; i++) {
            double error = Math.abs(got.losses.get(i) / want.losses.get(i) - 1);
            lossError = Math.max(lossError, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
        }
        double weightError = 0;
        String worst = "";
        for (int i = 0; i < want.names.size(); i++) {
            double error = relative(got.weights.get(i), want.weights.get(i));
            if (error > weightError) {
                weightError = error;
                worst = want.names.get(i);
            }
        }
        boolean same = lossError < TOLERANCE && weightError < TOLERANCE;
        ObjectNode line = new ObjectMapper().createObjectNode();
        line.put("check", "steps on both devices").put("device", got.device).put("against", want.device);
        line.put("shape", config.batchSize() + "," + config.data().imageSize()).put("steps", steps);
        line.put("loss_error", lossError).put("weight_error", weightError).put("worst_weight", worst);
        line.put("tolerance", TOLERANCE).put("same", same);
        got.losses.forEach(line.putArray("losses")::add);
        want.losses.forEach(line.putArray("losses_cpu")::add);
        System.out.println(line);
        return same;
    }

    /** Difference relative to the norm; infinite for a value that is not finite. */
    private static double relative(float[] got, float[] want) {
        double off = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            off += Math.pow((double) got[i] - want[i], 2);
            norm += Math.pow(want[i], 2);
        }
        double error = Math.sqrt(off / Math.max(norm, 1e-6));
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }

    private static double median(List<Double> seconds) {
        List<Double> sorted = seconds.stream().sorted().toList();
        int n = sorted.size();
        return (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
    }

    /** Standard normal pixels, {@code [views * B, H, W, 3]}. */
    private static MemorySegment views(Run run, RunConfig config, Arena arena) {
        long side = config.data().imageSize();
        long count = (long) run.method().views() * config.batchSize() * side * side * 3;
        MemorySegment memory = arena.allocate(count * Float.BYTES, 64);
        SplittableRandom random = new SplittableRandom(7);
        for (long i = 0; i < count; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return memory;
    }
}
