package io.culvert.ops.byol;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.LossOp;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * BYOL's regression of one view's target from the other's prediction (Grill et al. 2020, equation 2), the mean over all 2B
 * rows of
 *
 * <pre>|p / |p| - z / |z||^2 = 2 - 2 cos(p(i), z(pair(i))),  pair(i) = i + B or i - B</pre>
 *
 * <p>The paper and lightly add the two pairings of views, solo-learn and the study average them, as here. prediction and
 * target: {@code [2B, D]}, not normalised; rows i and i + B are the two views of one image. loss: {@code [1]}. The target gets
 * no gradient. Lengths are at least 1e-12, as in PyTorch's {@code F.normalize}. Saves nothing but the loss of each row.
 */
public final class ByolOp extends LossOp {
    final Tensor prediction;
    final Tensor target;
    final Tensor rowLoss;
    Tensor dprediction;

    private ByolOp(String name, Tape tape, Tensor prediction, Tensor target) {
        super(name, tape);
        this.prediction = prediction;
        this.target = target;
        rowLoss = Tensor.f32(name + ".rows", prediction.shape().at(0));
        tape.record(this);
    }

    /** Records the loss and returns its scalar. */
    public static Tensor record(Tape tape, String name, Tensor prediction, Tensor target) {
        requireF32(name, prediction, target);
        if (prediction.shape().rank() != 2 || prediction.shape().at(0) % 2 != 0) {
            throw new IllegalArgumentException(name + ": needs [2B, D], got " + prediction);
        }
        if (!prediction.shape().equals(target.shape())) {
            throw new IllegalArgumentException(name + ": " + target + " is no target of " + prediction);
        }
        return new ByolOp(name, tape, prediction, target).loss();
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(prediction, target);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(loss(), rowLoss);
    }

    @Override
    public void connect(Tape tape) {
        dprediction = tape.newGradient(prediction);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dprediction == null ? List.of() : List.of(prediction, target, dprediction);
    }

    @Override
    public Cost cost() {
        long n = prediction.shape().count();
        return new Cost(6 * n, 2 * prediction.bytes(), 10 * n, 3 * prediction.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuByol(cpu, this);
            case CudaDevice cuda -> new CudaByol(cuda.context(), this);
        };
    }
}
