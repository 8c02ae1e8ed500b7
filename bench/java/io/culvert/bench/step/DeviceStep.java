package io.culvert.bench.step;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Group;
import io.culvert.device.cuda.CudaMarks;
import io.culvert.profile.DeviceTimer;
import io.culvert.ranks.Launch;
import io.culvert.ranks.RankProcesses;
import io.culvert.study.Lifeline;
import io.culvert.tensor.Parameter;
import io.culvert.train.Run;
import io.culvert.train.RunConfig;
import io.culvert.train.Trainer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * The step that a configuration describes, on its device, on random pixels that stay the same: timed, or compared with
 * the same steps on the CPU; with {@code --ranks N} as N processes, timed, or compared with the same steps of one rank on the
 * same device; or its kernels, copies and fills counted as they are launched one by one. Prints one JSON line. Needs neither JMH nor a peer, so that it can be packed for a machine that has only a
 * driver ({@code bench/gpu}).
 *
 * <p>Exit codes as the program's, and 1 if they differ.
 */
public final class DeviceStep {
    private static final String USAGE = "DeviceStep time|compare|launches CONFIG WARMUP STEPS [--ranks N] [KEY=VALUE...]";
    private static final String RANKS = "--ranks";
    private static final long CONSTANT_RATE = 1_000_000;
    /** A power of two. */
    private static final int PIXELS = 1 << 20;

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
        if (args.length < 4 || !List.of("time", "compare", "launches").contains(args[0])) {
            throw CulvertException.usage("%s", USAGE);
        }
        List<String> rest = List.of(args).subList(4, args.length);
        if (rest.contains(RANKS)) {
            int at = rest.indexOf(RANKS);
            if (at + 1 == rest.size()) {
                throw CulvertException.usage("%s", USAGE);
            }
            List<String> each = new ArrayList<>(List.of(args).subList(0, 4));
            each.addAll(rest.subList(0, at));
            each.addAll(rest.subList(at + 2, rest.size()));
            return RankProcesses.run(Integer.parseInt(rest.get(at + 1)), DeviceStep.class, each);
        }
        if (RankProcesses.isOne()) {
            Lifeline.hold(System.in);
        }
        RunConfig config = RunConfig.load(Path.of(args[1]), rest);
        int warmup = Integer.parseInt(args[2]);
        int steps = Integer.parseInt(args[3]);
        Launch launch = RankProcesses.isOne() ? Launch.of(System.getenv()) : Launch.ALONE;
        if (args[0].equals("time")) {
            time(config, launch, warmup, steps, rest);
            return 0;
        }
        if (args[0].equals("launches")) {
            System.out.println(launches(config));
            return 0;
        }
        Trained got = train(config, launch, warmup + steps);
        if (launch.rank() > 0) {
            return 0;
        }
        List<String> against = new ArrayList<>(rest);
        if (launch.size() == 1) {
            against.add("device=cpu");
        }
        Trained want = train(RunConfig.load(Path.of(args[1]), against), Launch.ALONE, warmup + steps);
        return compare(config, launch, got, want) ? 0 : 1;
    }

    /** Does what a run is for, as one of its ranks. */
    private static <T> T with(RunConfig config, Launch launch, Function<Run, T> work) {
        try (Run run = new Run(config, new Run.Plan(1, 1, 1, false), launch)) {
            try {
                T result = work.apply(run);
                run.device().group().leave();
                return result;
            } catch (RuntimeException | Error e) {
                run.device().group().abandon(e);
                throw e;
            }
        }
    }

    private static void time(RunConfig config, Launch launch, int warmup, int steps, List<String> overrides) {
        ObjectNode line = with(config, launch, run -> {
            try (Arena arena = Arena.ofShared()) {
                return time(run, config, warmup, steps, arena);
            }
        });
        if (launch.rank() == 0) {
            overrides.forEach(line.putArray("keys")::add);
            System.out.println(line);
        }
    }

    private static ObjectNode time(Run run, RunConfig config, int warmup, int steps, Arena arena) {
        long before = System.nanoTime();
        MemorySegment views = views(run, config, arena);
        double noise = (System.nanoTime() - before) / 1e9;
        Trainer trainer = run.trainer((int) CONSTANT_RATE);
        double firstLoss = trainer.step(views);
        long sinceStart = System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime();
        for (int i = 1; i < warmup; i++) {
            trainer.step(views);
        }
        ObjectNode line = describe(run, trainer, config);
        line.put("jvm_start_to_first_step_s", sinceStart / 1e3 - noise).put("first_loss", firstLoss);
        Marks marks = Marks.of(run.device());
        // Without the copy of the batch, which a run's feed makes while the device computes.
        List<Double> seconds = new ArrayList<>();
        double loss = 0;
        for (int i = 0; i < steps; i++) {
            before = System.nanoTime();
            loss = trainer.step();
            seconds.add((System.nanoTime() - before) / 1e9);
        }
        double median = median(seconds);
        line.put("median_s", median).put("images_per_s", config.batchSize() / median);
        marks.describe(line, steps);
        line.put("loss", loss);
        seconds.forEach(line.putArray("seconds")::add);
        return line;
    }

    /** Marks round the steps of a GPU, null on a CPU. */
    private record Marks(CudaMarks marks) {
        static Marks of(Device device) {
            return switch (device) {
                case CpuDevice cpu -> new Marks(null);
                case CudaDevice cuda -> {
                    CudaMarks made = cuda.context().marks();
                    cuda.context().markRepetitions(made);
                    made.begin();
                    yield new Marks(made);
                }
            };
        }

        /** What the device computes in a step, and what it waits from the end of one to the beginning of the next: medians. */
        void describe(ObjectNode line, int steps) {
            // A step that is not one graph has other marks or none.
            if (marks == null || steps < 2 || marks.intervals() != 2 * steps) {
                return;
            }
            marks.await(2 * steps);
            List<Double> computing = new ArrayList<>();
            List<Double> waiting = new ArrayList<>();
            for (int i = 0; i < steps; i++) {
                computing.add(marks.nanos(2 * i + 1) / 1e9);
                if (i > 0) {
                    waiting.add(marks.nanos(2 * i) / 1e9);
                }
            }
            line.put("device_s", median(computing)).put("between_steps_s", median(waiting));
        }
    }

    private static ObjectNode launches(RunConfig config) {
        return with(config, Launch.ALONE, run -> {
            if (!(run.device() instanceof CudaDevice cuda)) {
                throw CulvertException.usage("a CPU launches nothing: set device=cuda or device=emulator");
            }
            try (Arena arena = Arena.ofShared()) {
                Trainer trainer = run.trainer((int) CONSTANT_RATE);
                trainer.step(views(run, config, arena));
                // The second step is the last that is not a graph, and the first in which libraries set nothing up.
                DeviceTimer timer = cuda.context().timer();
                timer.begin();
                trainer.step();
                timer.mark();
                timer.read(new long[1], 0, 1);
                return describe(run, trainer, config)
                        .put("launches", timer.work().size())
                        .put("operations", trainer.tape().ops().size())
                        .put("source", timer.source());
            }
        });
    }

    private static ObjectNode describe(Run run, Trainer trainer, RunConfig config) {
        ObjectNode line = new ObjectMapper().createObjectNode();
        line.put("bench", "step").put("side", "culvert").put("model", config.model().name());
        line.put("precision", config.precision()).put("shape", config.batchSize() + "," + config.data().imageSize());
        line.put("device", run.device().describe());
        line.put("ranks", run.device().group().size());
        line.put("step_bytes", trainer.tape().stepBytes());
        return line;
    }

    /** The losses of all steps, the weights after the first. */
    private record Trained(String device, List<Float> losses, List<String> names, List<float[]> weights) {}

    private static Trained train(RunConfig config, Launch launch, int steps) {
        return with(config, launch, run -> {
            try (Arena arena = Arena.ofShared()) {
                return train(run, steps, views(run, config, arena));
            }
        });
    }

    private static Trained train(Run run, int steps, MemorySegment views) {
        Trainer trainer = run.trainer((int) CONSTANT_RATE);
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

    private static boolean compare(RunConfig config, Launch launch, Trained got, Trained want) {
        double lossError = 0;
        for (int i = 0; i < want.losses.size(); i++) {
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
        line.put("check", launch.size() == 1 ? "steps on both devices" : "steps of %d ranks and of one".formatted(launch.size()));
        line.put("device", got.device).put("against", want.device);
        line.put("shape", config.batchSize() + "," + config.data().imageSize()).put("steps", want.losses.size());
        line.put("loss_error", lossError).put("weight_error", weightError).put("worst_weight", worst);
        line.put("tolerance", TOLERANCE).put("same", same);
        got.losses.forEach(line.putArray("losses")::add);
        want.losses.forEach(line.putArray("losses_against")::add);
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

    /**
     * This rank's part of standard normal pixels, {@code [views * B, H, W, 3]}: view after view, and in each rank after rank. They
     * repeat after a million, for numbers for 512 large images take seconds to draw.
     */
    private static MemorySegment views(Run run, RunConfig config, Arena arena) {
        long side = config.data().imageSize();
        Group group = run.device().group();
        long block = config.batchSize() / group.size() * side * side * 3;
        MemorySegment memory = arena.allocate(run.method().views() * block * Float.BYTES, 64);
        float[] pixels = new float[PIXELS];
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < PIXELS; i++) {
            pixels[i] = (float) random.nextGaussian();
        }
        for (long i = 0; i < run.method().views() * block; i++) {
            long whole = (i / block * group.size() + group.rank()) * block + i % block;
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, pixels[(int) (whole & (PIXELS - 1))]);
        }
        return memory;
    }
}
