package io.culvert.ops.batchnorm;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.cuda.CudnnBatchNorm;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Batch normalisation over all axes but the last (Ioffe and Szegedy 2015, algorithm 1), with an optional residual
 * added and an optional ReLU after, in one pass:
 *
 * <pre>y = relu(weight * (x - mean) / sqrt(var + eps) + bias + residual)</pre>
 *
 * <p>Training uses the biased variance of the batch and moves the running statistics by {@code momentum} towards the
 * batch mean and the unbiased variance, as PyTorch does. {@code groups} contiguous parts of the batch are normalised
 * apart and move the running statistics one after the other: a batch of two views equals two forward passes.
 *
 * <p>x, y, residual: {@code [N, H, W, C]} or {@code [N, C]}; weight, bias, running statistics: {@code [C]}.
 */
public final class BatchNormOp extends Op {
    /** What distinguishes one batch normalisation from another, beside its tensors. */
    public record Config(double eps, double momentum, boolean relu, int groups) {
        public static final Config TORCH = new Config(1e-5, 0.1, false, 1);

        public Config withRelu(boolean value) {
            return new Config(eps, momentum, value, groups);
        }

        public Config withGroups(int value) {
            return new Config(eps, momentum, relu, value);
        }
    }

    final Tensor x;
    final Tensor residual;
    final Tensor y;
    final Tensor mean;
    final Tensor invStd;
    final Parameter weight;
    final Parameter bias;
    final Tensor runningMean;
    final Tensor runningVar;
    final Config config;
    final boolean training;
    List<Tensor> dy;
    Tensor dx;
    Tensor dresidual;
    /** Room for what cuDNN remembers of the ReLU's signs, a byte for each element; null where nothing is remembered. */
    Tensor mask;

    /** Whether cuDNN may do it: then its backward half must not write where it reads. */
    private boolean byCudnn;

    private boolean renews;

    private BatchNormOp(
            String name, Tape tape, Tensor x, Tensor residual, BatchNormState state, Config config, boolean training) {
        super(name);
        this.x = x;
        this.residual = residual;
        this.weight = state.weight();
        this.bias = state.bias();
        this.runningMean = state.runningMean();
        this.runningVar = state.runningVar();
        this.config = config;
        this.training = training;
        int channels = x.shape().at(-1);
        y = new Tensor(name + ".y", x.shape(), x.dtype());
        mean = Tensor.f32(name + ".mean", config.groups, channels);
        invStd = Tensor.f32(name + ".invstd", config.groups, channels);
        tape.record(this);
    }

    /**
     * Records the operation and returns y.
     *
     * @param residual added before the ReLU, of x's shape, or null
     * @param training batch statistics if true, running statistics if false
     */
    public static Tensor record(
            Tape tape,
            String name,
            Tensor x,
            Tensor residual,
            BatchNormState state,
            Config config,
            boolean training) {
        if (x.shape().rows() % config.groups != 0) {
            throw new IllegalArgumentException(name + ": " + config.groups + " groups do not divide " + x);
        }
        return new BatchNormOp(name, tape, x, residual, state, config, training).y;
    }

    @Override
    public List<Tensor> inputs() {
        return residual == null ? List.of(x) : List.of(x, residual);
    }

    @Override
    public List<Tensor> outputs() {
        return mask == null ? List.of(y, mean, invStd) : List.of(y, mean, invStd, mask);
    }

    @Override
    public void choose(Device device) {
        renews = device instanceof CpuDevice;
        byCudnn = training && device instanceof CudaDevice
                && CudnnBatchNorm.mayTake(x.dtype().element(), x.shape().at(-1), config.relu, residual != null);
    }

    @Override
    public Tensor renewable() {
        return renews ? y : null;
    }

    /** Whether to ask cuDNN for a forward half. */
    boolean asksForward() {
        return byCudnn;
    }

    /** Whether to ask cuDNN for a backward half, which takes one gradient; our kernels add two in passing. */
    boolean asksBackward() {
        return byCudnn && dy != null && dy.size() == 1;
    }

    /**
     * Without a residual the gradient is rewritten in place. With one, the masked gradient stays where it is, as the
     * residual's, and x gets memory of its own.
     */
    @Override
    public void connect(Tape tape) {
        dy = List.copyOf(tape.gradients(y).size() > 2 ? List.of(tape.gradient(y)) : tape.gradients(y));
        if (asksBackward()) {
            dx = tape.gradientOrScratch(x);
            if (residual != null) {
                dresidual = tape.gradientOrScratch(residual);
                mask = new Tensor(name() + ".mask", Shape.of(CudaBatchNorm.maskBytes(this)), DType.U8);
            }
        } else if (residual == null) {
            dx = dy.getFirst();
            if (tape.requiresGradient(x)) {
                tape.addGradient(x, dx);
            }
        } else {
            dresidual = dy.getFirst();
            tape.addGradient(residual, dresidual);
            dx = new Tensor("grad/" + x.name(), x.shape(), x.dtype());
            tape.addGradient(x, dx);
        }
    }

    @Override
    public List<Tensor> backwardUses() {
        List<Tensor> uses = new ArrayList<>(List.of(x, mean, invStd, dx));
        uses.addAll(dy);
        if (residual != null) {
            uses.add(y);
            uses.add(dresidual);
        }
        if (mask != null) {
            uses.add(mask);
        }
        return uses;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight, bias);
    }

    /** Two passes forward (statistics, normalise) and two backward (sums, gradient); cuDNN may need one where x fits on the chip. */
    @Override
    public Cost cost() {
        long n = x.shape().count();
        long extra = residual == null ? 0 : x.bytes();
        return new Cost(5 * n, 3 * x.bytes() + extra, 10 * n, 5 * x.bytes() + 2 * extra);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuBatchNorm(cpu, this);
            case CudaDevice cuda -> new CudaBatchNorm(cuda, this);
        };
    }
}
