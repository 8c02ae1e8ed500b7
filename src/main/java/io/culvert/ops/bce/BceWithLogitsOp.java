package io.culvert.ops.bce;

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
 * Binary cross-entropy of logits x and labels y with a weight w for the positive class, as PyTorch's
 * {@code BCEWithLogitsLoss} (Goodfellow et al. 2016, section 6.2.2.2, for the softplus form), the mean over all elements of
 *
 * <pre>w y softplus(-x) + (1 - y) softplus(x),  softplus(x) = max(x, 0) + log(1 + exp(-|x|))</pre>
 *
 * <p>so that dx = ((1 - y) sigmoid(x) - w y sigmoid(-x)) / n: no difference of near numbers, whatever the logit. logits:
 * any shape; labels: as many F32 values from 0 to 1, which get no gradient; loss: {@code [1]}. Saves nothing.
 */
public final class BceWithLogitsOp extends LossOp {
    final Tensor logits;
    final Tensor labels;
    final double positiveWeight;
    Tensor dlogits;

    private BceWithLogitsOp(String name, Tape tape, Tensor logits, Tensor labels, double positiveWeight) {
        super(name, tape);
        this.logits = logits;
        this.labels = labels;
        this.positiveWeight = positiveWeight;
        tape.record(this);
    }

    /**
     * Records the loss and returns its scalar.
     *
     * @param positiveWeight w; 1 weighs the classes alike
     */
    public static Tensor record(Tape tape, String name, Tensor logits, Tensor labels, double positiveWeight) {
        requireF32(name, logits, labels);
        if (logits.shape().count() != labels.shape().count()) {
            throw new IllegalArgumentException(name + ": " + labels + " does not label " + logits);
        }
        if (!(positiveWeight >= 0)) {
            throw new IllegalArgumentException(name + ": the positive weight must not be negative, got " + positiveWeight);
        }
        return new BceWithLogitsOp(name, tape, logits, labels, positiveWeight).loss();
    }

    int count() {
        return Math.toIntExact(logits.shape().count());
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(logits, labels);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(loss());
    }

    @Override
    public void connect(Tape tape) {
        dlogits = tape.newGradient(logits);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dlogits == null ? List.of() : List.of(logits, labels, dlogits);
    }

    /** An exponential and a logarithm count as one operation each. */
    @Override
    public Cost cost() {
        long n = logits.shape().count();
        return new Cost(10 * n, 2 * logits.bytes(), 10 * n, 3 * logits.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuBceWithLogits(this);
            case CudaDevice cuda -> new CudaBceWithLogits(cuda.context(), this);
        };
    }
}
