package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.device.Device;
import io.culvert.device.Group;
import io.culvert.device.RunArena;
import io.culvert.method.Method;
import io.culvert.method.Teacher;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.ranks.AverageOp;
import io.culvert.optim.Ema;
import io.culvert.optim.GradientScale;
import io.culvert.optim.Optimizer;
import io.culvert.optim.SlabCopy;
import io.culvert.optim.WarmupCosine;
import io.culvert.profile.OpFacts;
import io.culvert.profile.Phase;
import io.culvert.profile.StepClock;
import io.culvert.profile.StepEvent;
import io.culvert.tensor.DType;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** The training step: a recorded tape, an optimiser and a schedule. After the first step it creates nothing. */
public final class Trainer {
    private final Group group;
    private final ParameterStore store;
    private final Tape tape;
    private final List<Tensor> pixels;
    private final Method method;
    private final Method.Recorded recorded;
    private final Optimizer optimizer;
    private final WarmupCosine schedule;
    private final Teacher teacher;
    private final Ema average;
    private final int images;
    private final int passes;
    private final boolean clipped;
    private final GradientScale scale;
    private final OnlineProbe probe;
    /** What forward moves beside the activations, as it was before the step. */
    private final SlabCopy[] statistics;
    private final Runnable begin;
    private final Runnable pass;
    private final Runnable update;
    private final Runnable nothing = this::nothingNext;
    private StepClock clock = StepClock.OFF;
    private int step;

    /**
     * Records and compiles the step.
     *
     * @param store the parameters of encoder and method, already allocated and initialised
     * @param batch images a step; the tape sees {@code method.views()} times as many
     * @param sides height and width of the views in pixels; of the local ones, if the method has any, after the others'
     */
    public Trainer(
            RunArena arena,
            ParameterStore store,
            Method method,
            Optimizer optimizer,
            WarmupCosine schedule,
            int batch,
            int... sides) {
        this(arena, store, method, optimizer, schedule, batch, sides, Extras.NONE);
    }

    /**
     * What a step does beside the method's own work.
     *
     * @param passes that a step's gradients are averaged over
     * @param clip of the gradients; null: none
     * @param probe learns beside the encoder; null: none
     * @param keepAll whether every operation's output stays readable after a step, which takes far more memory
     */
    public record Extras(int passes, GradientScale.Clip clip, OnlineProbe probe, boolean keepAll) {
        static final Extras NONE = new Extras(1, null, null, false);
    }

    /**
     * As the other, with extras.
     *
     * @param batch images a pass
     */
    public Trainer(
            RunArena arena,
            ParameterStore store,
            Method method,
            Optimizer optimizer,
            WarmupCosine schedule,
            int batch,
            int[] sides,
            Extras extras) {
        this.store = store;
        this.method = method;
        this.optimizer = optimizer;
        this.schedule = schedule;
        Device device = arena.device();
        group = device.group();
        probe = extras.probe;
        images = batch;
        passes = extras.passes;
        Step whole = Step.record(device, method, extras, batch, sides);
        tape = whole.tape;
        pixels = whole.pixels;
        recorded = whole.recorded;
        if (recorded.labels() != null) {
            bind(arena, recorded.labels());
        }
        recorded.inputs().forEach(input -> bind(arena, input));
        if (probe != null) {
            bind(arena, probe.labels());
        }
        LargestBatch.compile(
                whole.tape, pixels, arena, batch, passes,
                b -> Step.record(device, method, extras, b, sides).bytes(device));
        optimizer.guard(recorded.loss());
        if (probe != null) {
            probe.guard(recorded.loss());
        }
        teacher = method.teacher().orElse(null);
        if (teacher == null) {
            average = null;
        } else {
            average = new Ema(device, teacher.store(), store);
            average.guard(recorded.loss());
        }
        statistics = Stream.concat(Stream.of(store), Stream.ofNullable(teacher).map(Teacher::store))
                .filter(owner -> !owner.buffers().isEmpty())
                .map(owner -> new SlabCopy(arena, owner.state(), "running statistics before the step"))
                .toArray(SlabCopy[]::new);
        clipped = extras.clip != null;
        scale = passes > 1 || clipped ? new GradientScale(arena, store, passes, extras.clip) : null;
        pass = passes > 1 ? device.repeated("pass", this::accumulate) : device.repeated("step", this::work);
        begin = passes > 1 ? device.repeated("begin of a step", this::begin) : () -> {};
        update = passes > 1 ? device.repeated("update", this::update) : () -> {};
    }

    private static void bind(RunArena arena, Tensor input) {
        input.bind(arena.allocate(input.name(), input.bytes()), 0);
    }

    /** What a pass on so many images takes, without the update; compiles nothing. */
    static StepCost cost(Device device, Method method, int batch, int... sides) {
        return Step.record(device, method, Extras.NONE, batch, sides).cost(device);
    }

    /** A step on so many images, recorded and not yet compiled. */
    private record Step(Tape tape, List<Tensor> pixels, Method.Recorded recorded) {
        static Step record(Device device, Method method, Extras extras, int batch, int... sides) {
            Tape tape = new Tape(true, device.group().size());
            List<Tensor> pixels = new ArrayList<>();
            pixels.add(pixels(tape, "pixels", method.views() * batch, sides[0]));
            if (method.localViews() > 0) {
                pixels.add(pixels(tape, "local_pixels", method.localViews() * batch, sides[1]));
            }
            List<Tensor> inputs = pixels.stream()
                    .map(input -> CastOp.record(tape, input.name() + ".cast", input, DType.compute(device)))
                    .toList();
            Method.Recorded recorded = method.record(tape, inputs, pixels);
            AverageOp.record(tape, "loss of all ranks", recorded.loss());
            recorded.scalars().forEach((name, scalar) -> AverageOp.record(tape, name + " of all ranks", scalar));
            tape.keep(recorded.features());
            tape.keep(recorded.embeddings());
            recorded.scalars().values().forEach(tape::keep);
            if (extras.probe != null) {
                extras.probe.record(tape, recorded.features());
            }
            if (extras.keepAll) {
                tape.ops().forEach(op -> op.outputs().forEach(tape::keep));
            }
            return new Step(tape, pixels, recorded);
        }

        private static Tensor pixels(Tape tape, String name, int views, int side) {
            return tape.input(Tensor.f32(name, views, side, side, 3));
        }

        /** Forward of all operations, backward of those that hand gradients on. */
        StepCost cost(Device device) {
            long bytes = bytes(device); // finds what goes backward
            List<OpFacts> facts = new ArrayList<>();
            for (Op op : tape.ops()) {
                Cost cost = op.cost();
                boolean back = tape.backwardOps().contains(op);
                facts.add(new OpFacts(
                        op.getClass().getSimpleName(), op.name(), cost.forwardFlops(), cost.forwardBytes(),
                        back ? cost.backwardFlops() : 0, back ? cost.backwardBytes() : 0));
            }
            for (Op op : tape.backwardOps()) {
                if (!tape.ops().contains(op)) {
                    Cost cost = op.cost();
                    facts.add(new OpFacts(
                            op.getClass().getSimpleName(), op.name(), 0, 0, cost.backwardFlops(), cost.backwardBytes()));
                }
            }
            return new StepCost(facts, bytes);
        }

        long bytes(Device device) {
            return pixels.stream().mapToLong(Tensor::bytes).sum() + tape.plannedBytes(device);
        }
    }

    /** All that a step of one pass computes, the same every time. */
    private void work() {
        begin();
        accumulate();
        update();
    }

    private void begin() {
        for (SlabCopy copy : statistics) {
            copy.keep();
        }
        store.zeroGradients();
        if (probe != null) {
            probe.zeroGradients();
        }
        clock.lap(Phase.CLEAR);
    }

    private void accumulate() {
        tape.forward();
        tape.backward();
    }

    private void update() {
        if (scale != null) {
            scale.apply();
            clock.lap(Phase.SCALE);
        }
        if (method.learns()) {
            optimizer.update();
            clock.lap(Phase.OPTIMIZER);
        }
        if (probe != null) {
            probe.update();
            clock.lap(Phase.PROBE);
        }
        if (teacher != null) {
            average.update();
            clock.lap(Phase.EMA);
        }
    }

    /** What a step reads: normalised pixels, {@code [views * B, H, W, 3]} floats, and such of the local views. */
    public List<Tensor> pixels() {
        return pixels;
    }

    /**
     * One step on a batch of views of one size; returns the loss.
     *
     * @param views what {@link #pixels} gets, read in place on the CPU
     */
    public float step(MemorySegment views) {
        if (pixels.size() > 1) {
            throw new IllegalArgumentException("the local views lack: feed each of " + pixels);
        }
        pixels.getFirst().feed(views);
        return step();
    }

    /** One step of one pass on what {@link #pixels} holds; returns the loss. */
    public float step() {
        return step(nothing);
    }

    private void nothingNext() {
        throw new IllegalStateException("a step of %d passes must be told who brings the next images".formatted(passes));
    }

    /**
     * One step that begins on what {@link #pixels} holds; returns the mean loss of its passes. Where one is not finite the
     * step throws, and all that the run keeps (weights, moments, teacher, running statistics) is as before it.
     *
     * @param next brings the images, and labels if there are any, of each pass but the first
     */
    public float step(Runnable next) {
        StepEvent event = StepEvent.start();
        optimizer.prepare(learningRate());
        if (probe != null) {
            probe.prepare();
        }
        if (teacher != null) {
            average.prepare(teacher.momentum(step));
        }
        clock.lap(Phase.PREPARE);
        begin.run();
        double losses = 0;
        for (int i = 0; i < passes; i++) {
            if (i > 0) {
                next.run();
            }
            method.prepare(step, i);
            clock.lap(Phase.PREPARE);
            group.beginPass(step, i);
            pass.run();
            float loss = recorded.loss().item();
            group.endPass();
            losses += finite(loss);
            clock.lap(Phase.LOSS);
        }
        update.run();
        step++;
        float loss = (float) (losses / passes);
        if (event != null) {
            event.finish(step, loss);
        }
        return loss;
    }

    private float finite(float loss) {
        if (!Float.isFinite(loss)) {
            for (SlabCopy copy : statistics) {
                copy.restore();
            }
            throw CulvertException.diverged(
                    "the loss of step %d is %s: lower optim.lr, lengthen schedule.warmup_epochs, or look at the batch",
                    step, loss);
        }
        return loss;
    }

    /** Images a pass, of this rank. */
    int images() {
        return images;
    }

    /** Everything that a pass reads from outside, as it lies on the device: {@code [views * images, ...]}, any number of views. */
    List<Tensor> inputs() {
        List<Tensor> inputs = new ArrayList<>(pixels);
        Stream.of(recorded.labels(), probe == null ? null : probe.labels()).filter(Objects::nonNull).forEach(inputs::add);
        inputs.addAll(recorded.inputs());
        return inputs;
    }

    /** The norm of the gradients that are clipped, before they were; empty without clipping. Waits for the device. */
    public OptionalDouble clippedNorm() {
        return clipped ? OptionalDouble.of(scale.norm().item()) : OptionalDouble.empty();
    }

    /** The rate that the next step uses. */
    public double learningRate() {
        return schedule.at(step);
    }

    /** Lets {@code profiled} take the time of what a step does from now on. */
    void time(StepClock profiled) {
        clock = profiled;
        tape.time(profiled);
    }

    /** Steps done. */
    public int steps() {
        return step;
    }

    /** Continues from a checkpoint: the next step is number {@code done}. */
    public void resumeAt(int done) {
        step = done;
        optimizer.resumeAt(done);
        if (probe != null) {
            probe.optimizer().resumeAt(done);
        }
    }

    /** The averaged copy of the network, if the method has one. */
    public Optional<Teacher> teacher() {
        return Optional.ofNullable(teacher);
    }

    /** The classifier that learns beside the encoder, if there is one. */
    public Optional<OnlineProbe> probe() {
        return Optional.ofNullable(probe);
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
