package io.culvert.ops;

import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.ops.add.AddGradientsOp;
import io.culvert.profile.MemoryFacts;
import io.culvert.profile.OpEvent;
import io.culvert.profile.StepClock;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A step recorded once and replayed for ever: {@code record} operations in order, {@link #compile} to plan memory and
 * build kernels, then {@link #forward} and {@link #backward} run fixed kernels on fixed addresses and create nothing.
 */
public final class Tape {
    private static final String GRADIENT = "grad/";

    private final List<Op> forwardOps = new ArrayList<>();
    private final List<Op> backwardOps = new ArrayList<>();
    private final Map<Tensor, List<Tensor>> gradients = new IdentityHashMap<>();
    private final Set<Tensor> requiresGradient = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Tensor> shared = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Tensor> external = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Tensor> kept = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Tensor> overwritable = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Tensor> differentiated = new ArrayList<>();
    private final boolean training;
    private final int ranks;
    private Op[] forward;
    private Op[] backward;
    private long stepBytes;
    private List<MemoryFacts.Block> blocks = List.of();
    private StepClock clock = StepClock.OFF;

    /** A tape that trains plans backward too; one that only infers shares memory as soon as a value is consumed. */
    public Tape(boolean training) {
        this(training, 1);
    }

    /** As the other, of one of several ranks, each with a part of the batch; its device knows the others. */
    public Tape(boolean training, int ranks) {
        this.training = training;
        this.ranks = ranks;
    }

    /** Declares data that comes from outside each step, such as a batch of the loader. */
    public Tensor input(Tensor tensor) {
        external.add(tensor);
        return tensor;
    }

    /** Declares that the gradient with respect to {@code tensor} is wanted although no parameter lies before it; it is kept. */
    public Tensor differentiate(Tensor tensor) {
        requiresGradient.add(tensor);
        differentiated.add(tensor);
        return tensor;
    }

    /** Keeps the values readable until the end of the step. */
    public Tensor keep(Tensor tensor) {
        kept.add(tensor);
        return tensor;
    }

    /**
     * Declares that the op that reads {@code tensor} is the only one, and that backward does not need the values behind it: their
     * gradient may take their place.
     */
    public Tensor overwritable(Tensor tensor) {
        overwritable.add(tensor);
        return tensor;
    }

    /** Lets no gradient pass: whatever is recorded on {@code tensor} from here on takes it as given. */
    public Tensor detach(Tensor tensor) {
        requiresGradient.remove(tensor);
        return tensor;
    }

    /** Declares where the gradient of {@code output} comes from outside, and keeps it: for tests of single ops. */
    public Tensor seedGradient(Tensor output) {
        Tensor seed = like(output);
        addGradient(output, seed);
        external.add(seed);
        return seed;
    }

    /** Appends an operation; ops call this from their static {@code record} methods. */
    public void record(Op op) {
        boolean needs = !op.parameters().isEmpty();
        for (Tensor input : op.inputs()) {
            needs |= op.passesGradient() && requiresGradient.contains(input);
        }
        if (needs) {
            requiresGradient.addAll(op.outputs());
        }
        forwardOps.add(op);
    }

    public boolean training() {
        return training;
    }

    /** Processes that record the same, each for its part of the batch. */
    public int ranks() {
        return ranks;
    }

    public boolean requiresGradient(Tensor tensor) {
        return requiresGradient.contains(tensor);
    }

    /** Registers {@code gradient} as one consumer's contribution to the gradient of {@code tensor}. */
    public void addGradient(Tensor tensor, Tensor gradient) {
        gradients.computeIfAbsent(tensor, key -> new ArrayList<>()).add(gradient);
    }

    /** As {@link #addGradient}, where {@code gradient} is also another tensor's: nobody may add to it. */
    public void shareGradient(Tensor tensor, Tensor gradient) {
        if (requiresGradient(tensor)) {
            shared.add(gradient);
            addGradient(tensor, gradient);
        }
    }

    /** A new contribution to the gradient of {@code tensor}, or null when none is needed. */
    public Tensor newGradient(Tensor tensor) {
        if (!requiresGradient(tensor)) {
            return null;
        }
        Tensor gradient = like(tensor);
        addGradient(tensor, gradient);
        return gradient;
    }

    /**
     * As {@link #newGradient}, or {@code tensor} itself where that was declared {@link #overwritable}: for kernels that read a value for
     * the last time before they write the gradient there. Values that are kept stay.
     *
     * @throws IllegalStateException if the declaration is wrong: another op reads the tensor too
     */
    public Tensor gradientInPlace(Tensor tensor) {
        if (!requiresGradient(tensor) || !overwritable.contains(tensor) || kept.contains(tensor)) {
            return newGradient(tensor);
        }
        long readers = forwardOps.stream().filter(op -> op.inputs().contains(tensor)).count();
        if (readers > 1) {
            throw new IllegalStateException(tensor + " is overwritable, but others need its values");
        }
        addGradient(tensor, tensor);
        return tensor;
    }

    /** As {@link #newGradient}, or scratch of the same form where none is needed: for kernels that write it in any case. */
    public Tensor gradientOrScratch(Tensor tensor) {
        Tensor gradient = newGradient(tensor);
        return gradient == null ? like(tensor) : gradient;
    }

    private static Tensor like(Tensor tensor) {
        return new Tensor(GRADIENT + tensor.name(), tensor.shape(), tensor.dtype());
    }

    /** Whether {@code tensor} came of {@link #newGradient}. */
    static boolean isGradient(Tensor tensor) {
        return tensor.name().startsWith(GRADIENT);
    }

    /**
     * The only contribution so far to the gradient of {@code tensor}, for an op that adds it to its own in passing and registers the sum;
     * null if there is none, or several.
     */
    public Tensor takeGradient(Tensor tensor) {
        List<Tensor> parts = gradients(tensor);
        return parts.size() == 1 ? parts.removeFirst() : null;
    }

    /** All contributions to the gradient of {@code tensor}, one for each consumer, to be added by the caller. */
    public List<Tensor> gradients(Tensor tensor) {
        return gradients.getOrDefault(tensor, List.of());
    }

    /** The one gradient of {@code tensor}; several contributions are added into one of them by an op of their own. */
    public Tensor gradient(Tensor tensor) {
        List<Tensor> parts = gradients(tensor);
        if (parts.size() > 1) {
            List<Tensor> ordered = new ArrayList<>(parts);
            ordered.sort(Comparator.comparing(shared::contains));
            if (shared.contains(ordered.getFirst())) {
                throw new IllegalStateException(tensor + " goes into several residual connections and nowhere else");
            }
            backwardOps.add(new AddGradientsOp(tensor, ordered));
            gradients.put(tensor, new ArrayList<>(ordered.subList(0, 1)));
        }
        return gradients(tensor).getFirst();
    }

    /** Plans the memory of the step, takes it from {@code arena} and builds all kernels. */
    public void compile(RunArena arena) {
        Device device = arena.device();
        MemoryPlan plan = plan(device);
        stepBytes = plan.allocate(arena);
        blocks = plan.blocks();
        forwardOps.forEach(op -> op.prepare(device));
        backwardOps.stream().filter(op -> !forwardOps.contains(op)).forEach(op -> op.prepare(device));
        device.built();
        forward = forwardOps.toArray(Op[]::new);
        backward = backwardOps.toArray(Op[]::new);
    }

    /**
     * Bytes that {@link #compile} would take for a step, beside what kernels take for themselves; takes nothing. A tape
     * that was asked is not compiled any more.
     */
    public long plannedBytes(Device device) {
        return plan(device).bytes();
    }

    private MemoryPlan plan(Device device) {
        forwardOps.forEach(op -> op.choose(device));
        if (training) {
            for (Op op : forwardOps.reversed()) {
                connect(op);
            }
            RenewOp.insert(forwardOps, backwardOps, kept);
            if (ranks > 1) {
                AverageGradientsOp.insert(backwardOps, AverageGradientsOp.RANGE_BYTES);
            }
            differentiated.forEach(tensor -> kept.addAll(gradients(tensor)));
        }
        return new MemoryPlan(forwardOps, backwardOps, external, kept);
    }

    private void connect(Op op) {
        boolean wanted = op.outputs().stream().anyMatch(requiresGradient::contains);
        boolean reached = op instanceof Loss || op.outputs().stream().anyMatch(gradients::containsKey);
        if (wanted && reached) {
            op.connect(this);
            backwardOps.add(op);
        }
    }

    /** Lets {@code profiled} take the time of each operation from now on. */
    public void time(StepClock profiled) {
        clock = profiled;
    }

    public void forward() {
        if (clock.isTiming() || OpEvent.isAsked()) {
            forwardTimed();
            return;
        }
        for (Op op : forward) {
            op.forward();
        }
    }

    public void backward() {
        if (clock.isTiming() || OpEvent.isAsked()) {
            backwardTimed();
            return;
        }
        for (Op op : backward) {
            op.backward();
        }
    }

    private void forwardTimed() {
        for (int i = 0; i < forward.length; i++) {
            OpEvent event = OpEvent.start();
            clock.enterForward(i);
            forward[i].forward();
            clock.forward(i);
            if (event != null) {
                event.finish(forward[i].name(), forward[i].getClass().getSimpleName(), "forward");
            }
        }
    }

    private void backwardTimed() {
        for (int i = 0; i < backward.length; i++) {
            OpEvent event = OpEvent.start();
            clock.enterBackward(i);
            backward[i].backward();
            clock.backward(i);
            if (event != null) {
                event.finish(backward[i].name(), backward[i].getClass().getSimpleName(), "backward");
            }
        }
    }

    public List<Op> ops() {
        return Collections.unmodifiableList(forwardOps);
    }

    public List<Op> backwardOps() {
        return Collections.unmodifiableList(backwardOps);
    }

    /** Bytes of activations, gradients and scratch that one step needs at its peak. */
    public long stepBytes() {
        return stepBytes;
    }

    /** What lies in the step's memory, and from which of its operations to which; forward ones count first. */
    public List<MemoryFacts.Block> blocks() {
        return blocks;
    }

    public Cost cost() {
        return forwardOps.stream().map(Op::cost).reduce(Cost.NONE, Cost::plus);
    }
}
