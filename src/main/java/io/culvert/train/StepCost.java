package io.culvert.train;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.profile.OpFacts;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * What the training steps of a configuration take, before any is run on pictures.
 *
 * @param operations of a pass, forward and backward, without the update of the parameters
 * @param bytes of activations, gradients, scratch and input at the peak of a pass
 */
public record StepCost(List<OpFacts> operations, long bytes) {
    private static final int SMALL = 8;
    private static final int STEPS = 3;

    /** Of a pass of the network that {@code run} has built. Records the step, compiles nothing. */
    public static StepCost of(Run run) {
        RunConfig config = run.config();
        return Trainer.cost(
                run.device(), run.method(), config.passSize(), config.data().imageSize(), config.data().localSize());
    }

    /** Floating-point operations of a step, without the update of the parameters; a multiply-add counts two. */
    public static long flops(RunConfig config) {
        try (Run run = new Run(config)) {
            return config.optim().accumulate()
                    * of(run).operations.stream()
                            .mapToLong(op -> op.forwardFlops() + op.backwardFlops())
                            .sum();
        }
    }

    /**
     * Operations a second on the configuration's device: the fastest of a few whole steps of a few images of noise. Loading
     * pictures is not in it, and more images a step may be faster.
     */
    public static double rate(RunConfig config) {
        int batch = Math.min(SMALL, config.batchSize());
        RunConfig small = RunConfig.parse(
                Path.of("steps to time"), config.toYaml(),
                List.of("batch_size=" + batch, "optim.accumulate=1", "schedule.warmup_epochs=0"));
        double[] seconds = new double[STEPS];
        try (Run run = new Run(small)) {
            Trainer trainer = run.trainer(STEPS + 1);
            List<MemorySegment> noise =
                    trainer.pixels().stream().map(pixels -> noise(run, pixels)).toList();
            for (int i = -1; i < STEPS; i++) {
                long start = System.nanoTime();
                for (int j = 0; j < noise.size(); j++) {
                    trainer.pixels().get(j).feed(noise.get(j));
                }
                trainer.step();
                // The first compiles and warms up; the loss that a step returns waits for the device.
                seconds[Math.max(0, i)] = (System.nanoTime() - start) / 1e9;
            }
            return flops(small) / Arrays.stream(seconds).min().orElseThrow();
        }
    }

    private static MemorySegment noise(Run run, Tensor pixels) {
        MemorySegment noise = run.arena().hostMemory(pixels.bytes());
        CounterRng rng = new CounterRng();
        rng.key(1, 0, 0, 0);
        for (long i = 0; i < pixels.bytes() / Float.BYTES; i++) {
            noise.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (2 * rng.nextDouble() - 1));
        }
        return noise;
    }

    /**
     * Images that a run trains on.
     *
     * @throws CulvertException of kind DATA if they are not there
     */
    public static int images(RunConfig config) {
        return Run.trainingData(config).size();
    }
}
