package io.culvert.method;

import io.culvert.device.RunArena;
import io.culvert.model.Backbone;
import io.culvert.model.Head;
import io.culvert.ops.Tape;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.function.Function;

/**
 * A copy of backbone and head whose weights are a moving average of the student's. No gradient reaches it; its batch
 * normalisations work as in training, on statistics of their own.
 */
public final class Teacher {
    private final ParameterStore store = new ParameterStore();
    private final Backbone backbone;
    private final Head head;
    private final ParameterStore student;
    private final MomentumCosine momentum;

    /**
     * Declares the copy.
     *
     * @param student whose store declares backbone and head first, and in this order
     * @param backbones makes a backbone of the student's kind in another store
     * @param heads makes a head of the student's kind in another store
     */
    Teacher(ParameterStore student, Function<ParameterStore, Backbone> backbones,
            Function<ParameterStore, Head> heads, MomentumCosine momentum) {
        this.student = student;
        this.momentum = momentum;
        backbone = backbones.apply(store);
        head = heads.apply(store);
    }

    /** Takes memory for the copy; the student has its own already. */
    public void allocate(RunArena arena) {
        store.allocateFrozen(arena, "teacher's ");
    }

    /** Starts as the student is. */
    public void copyStudent() {
        store.copyFrom(student);
    }

    /** Its weights and running statistics. */
    public ParameterStore store() {
        return store;
    }

    /** The share that it keeps of itself in the update after a step, counted from 0. */
    public double momentum(int step) {
        return momentum.at(step);
    }

    /** Records backbone and head: {@code [N, dim]}. */
    Tensor record(Tape tape, Tensor pixels, int views) {
        return head.record(tape, backbone.record(tape, pixels, true, views), views);
    }
}
