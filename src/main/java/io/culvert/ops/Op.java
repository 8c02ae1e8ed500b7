package io.culvert.ops;

import io.culvert.device.Device;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * One operation recorded on a {@link Tape}: the tensors it reads and writes, its cost, and the kernel that a device
 * supplies. Parameter gradients accumulate; activation gradients overwrite.
 */
public abstract class Op {
    private final String name;
    private OpKernel kernel;

    protected Op(String name) {
        this.name = name;
    }

    /** Where in the network it stands, for example {@code layer1.0.conv1}. */
    public final String name() {
        return name;
    }

    /** Tensors of the step that forward reads; parameters are not of the step. */
    public abstract List<Tensor> inputs();

    /** Tensors of the step that forward writes: results first, then what it saves for backward. */
    public abstract List<Tensor> outputs();

    /** Called before memory is planned, for an op that saves other tensors on one device than on another. */
    public void choose(Device device) {}

    /**
     * The one of its results that costs little to compute again from its inputs and its other results, so that it need not be kept for
     * backward; null for none. A device whose memory is worth more than the time has an {@link OpKernel#again}.
     */
    public Tensor renewable() {
        return null;
    }

    /** Scratch that forward alone uses. */
    public List<Tensor> forwardScratch() {
        return List.of();
    }

    /**
     * Called in reverse recording order, once all consumers of the outputs have said where they leave their gradients:
     * takes those with {@link Tape#gradient} and declares the gradients of its own inputs.
     */
    public abstract void connect(Tape tape);

    /** Tensors of the step that backward reads, writes or uses as scratch; valid after {@link #connect}. */
    public abstract List<Tensor> backwardUses();

    /** What training moves of this op, so that its output needs a gradient whatever its input; backward adds to their gradients. */
    public List<Parameter> parameters() {
        return List.of();
    }

    /** Whether what comes behind it may ask for the gradient of what lies before. */
    public boolean passesGradient() {
        return true;
    }

    public abstract Cost cost();

    /** Builds the device's kernel once every tensor has its address. */
    protected abstract OpKernel bind(Device device);

    final void prepare(Device device) {
        kernel = bind(device);
    }

    public final void forward() {
        kernel.forward();
    }

    public final void backward() {
        kernel.backward();
    }

    final void again() {
        kernel.again();
    }

    @Override
    public String toString() {
        return name + " (" + getClass().getSimpleName() + ")";
    }
}
