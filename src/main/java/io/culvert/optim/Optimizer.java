package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import java.util.Map;

/** Moves the values of a parameter store along its gradients; the rate of an update is the learning rate. */
public abstract class Optimizer extends SlabUpdate {
    final Groups groups;
    /** Numbers that a group has in {@link #rates}. */
    final int width;

    private WarmupCosine weightDecay;
    private int done;

    Optimizer(Device device, ParameterStore store, Groups groups, int width, double weightDecay) {
        super(device, store, Groups.COUNT * width);
        this.groups = groups;
        this.width = width;
        this.weightDecay = new WarmupCosine(weightDecay, weightDecay, weightDecay, 0, 1);
    }

    /** Zeros of the parameters' layout. */
    Buffer slab(RunArena arena, String purpose) {
        return arena.allocate(purpose, store.values().bytes());
    }

    /** Lets the weight decay follow half a cosine to {@code last}, update by update (Caron et al. 2021, as their code). */
    public final void decayTo(double last, int updates) {
        weightDecay = new WarmupCosine(weightDecay.base(), weightDecay.base(), last, 0, updates);
    }

    /** The weight decay of the next update. */
    public final double weightDecay() {
        return weightDecay.at(done);
    }

    @Override
    final void rates(double learningRate) {
        double decay = weightDecay();
        for (int group = 0; group < Groups.COUNT; group++) {
            boolean vectors = Groups.vectors(group);
            int moved = groups.moved(group, done);
            int at = group * width;
            rates(
                    at, moved + 1, learningRate * (vectors ? groups.vectorRate() : 1),
                    vectors && !groups.decayVectors() ? 0 : decay);
            if (moved < 0) {
                rates[at] = Float.NaN;
            }
        }
        done++;
    }

    /** Fills the rates of a group, which begin at {@code at}, for its update number {@code update}, counted from 1. */
    abstract void rates(int at, int update, double learningRate, double decay);

    /** {@link #prepare} and {@link #update}. */
    public final void step(double learningRate) {
        prepare(learningRate);
        update();
    }

    /** What must be kept to resume: slabs laid out as the parameters are, by name. */
    public abstract Map<String, Buffer> state();

    /** Continues from a checkpoint: {@code made} updates have been made. */
    public final void resumeAt(int made) {
        done = made;
    }

    /** Its name in configurations. */
    public abstract String name();
}
