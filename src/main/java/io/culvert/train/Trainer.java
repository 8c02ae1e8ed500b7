package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.method.Method;
import io.culvert.method.Teacher;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.optim.Ema;
import io.culvert.optim.Optimizer;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.DType;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** The training step: a recorded tape, an optimiser and a schedule. After the first step it creates nothing. */
public final class Trainer {
    private final ParameterStore store;
    private final Tape tape;
    private final Tensor pixels;
    private final Method method;
    private final Method.Recorded recorded;
    private final Optimizer optimizer;
    private final WarmupCosine schedule;
    private final Teacher teacher;
    private final Ema average;
    private final Runnable work;
    private int step;

    /**
     * Records and compiles the step.
     *
     * @param store the parameters of encoder and method, already allocated and initialised
     * @param batch images a step; the tape sees {@code method.views()} times as many
     * @param imageSize height and width in pixels
     */
    public Trainer(
            RunArena arena,
            ParameterStore store,
            Method method,
            Optimizer optimizer,
            WarmupCosine schedule,
            int batch,
            int imageSize) {
        this.store = store;
        this.method = method;
        this.optimizer = optimizer;
        this.schedule = schedule;
        Device device = arena.device();
        Step whole = Step.record(device, method, batch, imageSize);
        tape = whole.tape;
        pixels = whole.pixels;
        recorded = whole.recorded;
        if (recorded.labels() != null) {
            bind(arena, recorded.labels());
        }
        recorded.inputs().forEach(input -> bind(arena, input));
        LargestBatch.compile(
                whole.tape, pixels, arena, "batch_size", batch, b -> Step.record(device, method, b, imageSize).bytes(device));
        optimizer.guard(recorded.loss());
        teacher = method.teacher().orElse(null);
        if (teacher == null) {
            average = null;
        } else {
            average = new Ema(device, teacher.store(), store);
            average.guard(recorded.loss());
        }
        work = arena.device().repeated(this::work);
    }

    private static void bind(RunArena arena, Tensor input) {
        input.bind(arena.allocate(input.name(), input.bytes()), 0);
    }

    /** A step on so many images, recorded and not yet compiled. */
    private record Step(Tape tape, Tensor pixels, Method.Recorded recorded) {
        static Step record(Device device, Method method, int batch, int imageSize) {
            Tape tape = new Tape(true);
            Tensor pixels = tape.input(Tensor.f32("pixels", method.views() * batch, imageSize, imageSize, 3));
            Tensor input = CastOp.record(tape, "pixels.cast", pixels, DType.compute(device));
            Method.Recorded recorded = method.record(tape, input, pixels);
            tape.keep(recorded.features());
            tape.keep(recorded.embeddings());
            recorded.scalars().values().forEach(tape::keep);
            return new Step(tape, pixels, recorded);
        }

        long bytes(Device device) {
            return pixels.bytes() + tape.plannedBytes(device);
        }
    }

    /** All that a step computes, the same every time. */
    private void work() {
        store.zeroGradients();
        tape.forward();
        tape.backward();
        if (method.learns()) {
            optimizer.update();
        }
        if (teacher != null) {
            average.update();
        }
    }

    /** What a step reads: normalised pixels, {@code [views * B, H, W, 3]} floats. */
    public Tensor pixels() {
        return pixels;
    }

    /**
     * One step on a batch of views; returns the loss.
     *
     * @param views what {@link #pixels} gets, read in place on the CPU
     */
    public float step(MemorySegment views) {
        pixels.feed(views);
        return step();
    }

    /**
     * One step on what {@link #pixels} holds; returns the loss. Where that is not finite the weights stay as they were,
     * and the step throws.
     */
    public float step() {
        method.prepare(step);
        optimizer.prepare(learningRate());
        if (teacher != null) {
            average.prepare(teacher.momentum(step));
        }
        work.run();
        float loss = recorded.loss().item();
        if (!Float.isFinite(loss)) {
            throw CulvertException.diverged(
                    "the loss of step %d is %s: lower optim.lr, lengthen schedule.warmup_epochs, or look at the batch",
                    step, loss);
        }
        step++;
        return loss;
    }

    /** The rate that the next step uses. */
    public double learningRate() {
        return schedule.at(step);
    }

    /** Steps done. */
    public int steps() {
        return step;
    }

    /** Continues from a checkpoint: the next step is number {@code done}. */
    public void resumeAt(int done) {
        step = done;
        optimizer.resumeAt(done);
    }

    /** The averaged copy of the network, if the method has one. */
    public Optional<Teacher> teacher() {
        return Optional.ofNullable(teacher);
    }

    public Optimizer optimizer() {
        return optimizer;
    }

    public Tape tape() {
        return tape;
    }

    /** Features and embeddings of the last step. */
    public Method.Recorded recorded() {
        return recorded;
    }
}
