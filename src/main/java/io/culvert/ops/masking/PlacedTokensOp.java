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
 * The sequence that a vision transformer with fixed positions starts from: the class token before the patches of each
 * image, and to each the position of its place (Dosovitskiy et al. 2021, equation 1; He et al. 2022, section 3). x:
 * {@code [N, K, D]}; class token {@code [1, 1, D]}; positions {@code [1, 1 + L, D]} in single precision, without a
 * gradient; visible: {@code [N, K]} integers, the place of each patch, or null where all L are there in their order; y:
 * {@code [N, 1 + K, D]}.
 */
public final class PlacedTokensOp extends Op {
    final Tensor x;
    final Tensor y;
    final Parameter token;
    final Tensor position;
    final Tensor visible;
    Tensor dy;
    Tensor dx;

    private PlacedTokensOp(String name, Tape tape, Tensor x, Parameter token, Tensor position, Tensor visible) {
        super(name);
        this.x = x;
        this.token = token;
        this.position = position;
        this.visible = visible;
        y = new Tensor(name + ".y", Shape.of(x.shape().at(0), x.shape().at(1) + 1, x.shape().at(2)), x.dtype());
        tape.record(this);
    }

    /**
     * Records the operation and returns y.
     *
     * @param visible may be null
     */
    public static Tensor record(
            Tape tape, String name, Tensor x, Parameter token, Tensor position, Tensor visible) {
        if (x.shape().rank() != 3
                || token.value().shape().count() != x.shape().at(2)
                || position.dtype() != DType.F32
                || position.shape().at(-1) != x.shape().at(2)
                || position.shape().rows() < 1 + x.shape().at(1)) {
            throw new IllegalArgumentException(name + ": " + x + " does not fit " + token.value() + " and " + position);
        }
        if (visible == null) {
            if (position.shape().rows() != 1 + x.shape().at(1)) {
                throw new IllegalArgumentException(name + ": " + x + " lacks patches of " + position);
            }
        } else {
            Places.require(name, visible, x.shape().at(0));
            if (visible.shape().at(1) != x.shape().at(1)) {
                throw new IllegalArgumentException(name + ": " + visible + " does not fit " + x);
            }
        }
        return new PlacedTokensOp(name, tape, x, token, position, visible).y;
    }

    int images() {
        return y.shape().at(0);
    }

    int length() {
        return y.shape().at(1);
    }

    int width() {
        return y.shape().at(2);
    }

    @Override
    public List<Tensor> inputs() {
        return visible == null ? List.of(x) : List.of(x, visible);
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
        return List.of(dy, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(token);
    }

    @Override
    public Cost cost() {
        return new Cost(y.shape().count(), 2 * y.bytes(), y.shape().at(0) * (long) width(), 2 * y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuPlacedTokens(cpu, this);
            case CudaDevice cuda -> new CudaPlacedTokens(cuda.context(), this);
        };
    }
}
