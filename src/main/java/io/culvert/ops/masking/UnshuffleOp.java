package io.culvert.ops.masking;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * What the decoder of a masked autoencoder starts from (He et al. 2022, section 3): the encoded patches back at their
 * places, a mask token at every other place, and to each its position. x: {@code [N, 1 + K, D]}, the class token first;
 * slots: {@code [N, L]} integers, which of the K patches of x a place is, -1 where it was removed; every one of the K is at
 * one place; mask token {@code [1, 1, D]}; positions {@code [1, 1 + L, D]} in single precision, without a gradient; y:
 * {@code [N, 1 + L, D]}. The gradient of the mask token is the sum over the places where it stands.
 */
public final class UnshuffleOp extends Op {
    final Tensor x;
    final Tensor y;
    final Tensor slots;
    final Parameter mask;
    final Tensor position;
    Tensor dy;
    Tensor dx;

    private UnshuffleOp(String name, Tape tape, Tensor x, Tensor slots, Parameter mask, Tensor position) {
        super(name);
        this.x = x;
        this.slots = slots;
        this.mask = mask;
        this.position = position;
        y = new Tensor(name + ".y", Shape.of(x.shape().at(0), 1 + slots.shape().at(1), x.shape().at(2)), x.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Tensor slots, Parameter mask, Tensor position) {
        if (x.shape().rank() != 3) {
            throw new IllegalArgumentException(name + ": needs [N, 1 + K, D], got " + x);
        }
        Places.require(name, slots, x.shape().at(0));
        int length = 1 + slots.shape().at(1);
        int width = x.shape().at(2);
        if (x.shape().at(1) > length
                || mask.value().shape().count() != width
                || position.dtype() != DType.F32
                || position.shape().count() != (long) length * width) {
            throw new IllegalArgumentException(
                    name + ": " + x + " does not fit " + slots + ", " + mask.value() + " and " + position);
        }
        return new UnshuffleOp(name, tape, x, slots, mask, position).y;
    }

    int images() {
        return y.shape().at(0);
    }

    /** Tokens of y. */
    int length() {
        return y.shape().at(1);
    }

    /** Tokens of x. */
    int seen() {
        return x.shape().at(1);
    }

    int width() {
        return y.shape().at(2);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x, slots);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.gradientOrScratch(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(dy, slots, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(mask);
    }

    @Override
    public Cost cost() {
        return new Cost(y.shape().count(), x.bytes() + y.bytes(), y.shape().count() - x.shape().count(), x.bytes() + y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuUnshuffle(cpu, this);
            case CudaDevice cuda -> new CudaUnshuffle(cuda.context(), this);
        };
    }
}
