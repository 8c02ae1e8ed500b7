package io.culvert.ops.tokens;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The sequence that a vision transformer starts from (Dosovitskiy et al. 2021, equation 1): the class token before the
 * patches of each image, and to each its position added. x: {@code [N, L, D]}; class token {@code [1, 1, D]}; positions
 * {@code [1, 1 + L, D]}; y: {@code [N, 1 + L, D]}. Where there are more patches than positions, or fewer, a {@link Resampling}
 * R makes the positions that are added, {@code R p}, and the gradient of p is {@code R^T} times theirs.
 */
public final class TokensOp extends Op {
    final Tensor x;
    final Tensor y;
    final Parameter token;
    final Parameter position;
    final Resampling resampling;
    final Tensor resampled;
    Tensor dresampled;
    Tensor dy;
    Tensor dx;

    private TokensOp(String name, Tape tape, Tensor x, Parameter token, Parameter position, Resampling resampling) {
        super(name);
        this.x = x;
        this.token = token;
        this.position = position;
        this.resampling = resampling;
        resampled = resampling == null ? null : Tensor.f32(name + ".positions", resampling.to(), x.shape().at(2));
        y = new Tensor(name + ".y", Shape.of(x.shape().at(0), x.shape().at(1) + 1, x.shape().at(2)), x.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter token, Parameter position) {
        return record(tape, name, x, token, position, null);
    }

    /**
     * Records the operation for images with another number of patches than there are positions.
     *
     * @param resampling makes positions for these images of the learned ones; null for as many
     */
    public static Tensor record(
            Tape tape, String name, Tensor x, Parameter token, Parameter position, Resampling resampling) {
        long places = position.value().shape().count() / token.value().shape().count();
        long wanted = resampling == null ? places : resampling.to();
        if (x.shape().rank() != 3
                || token.value().shape().count() != x.shape().at(2)
                || position.value().shape().count() != places * x.shape().at(2)
                || wanted != x.shape().at(1) + 1L
                || (resampling != null && resampling.from() != places)) {
            throw new IllegalArgumentException(
                    name + ": " + x + " does not fit " + token.value() + " and " + position.value());
        }
        return new TokensOp(name, tape, x, token, position, resampling).y;
    }

    /** What is added to the tokens. */
    Tensor positions() {
        return resampling == null ? position.value() : resampled;
    }

    /** Where their gradient is added to what is there. */
    Tensor dpositions() {
        return resampling == null ? position.gradient() : dresampled;
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
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.gradientOrScratch(x);
        if (resampled != null) {
            dresampled = new Tensor("grad/" + resampled.name(), resampled.shape(), resampled.dtype());
        }
    }

    @Override
    public List<Tensor> forwardScratch() {
        return resampled == null ? List.of() : List.of(resampled);
    }

    @Override
    public List<Tensor> backwardUses() {
        return resampled == null ? List.of(dy, dx) : List.of(dy, dx, dresampled);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(token, position);
    }

    @Override
    public Cost cost() {
        long n = y.shape().count();
        long map = resampling == null ? 0 : 2L * resampling.matrix().length * width();
        return new Cost(n + map, 2 * y.bytes(), n + map, 2 * y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuTokens(cpu, this);
            case CudaDevice cuda -> new CudaTokens(cuda.context(), this);
        };
    }
}
