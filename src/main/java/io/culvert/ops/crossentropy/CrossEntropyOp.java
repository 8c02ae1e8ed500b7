package io.culvert.ops.crossentropy;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.LossOp;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Cross-entropy of logits and class labels (Goodfellow et al. 2016, equation 6.31), the mean over rows of
 *
 * <pre>l = log(sum over k of exp(x_k)) - x_label,  dx_k = (softmax(x)_k - [k = label]) / B</pre>
 *
 * <p>logits: {@code [B, C]}; labels: I32 {@code [B]}, each from 0 to C - 1, no gradient; loss: {@code [1]}. A label outside
 * that range makes the loss and its row's gradient NaN. Saves of each row its maximum and the sum of exp(x - max) over all
 * elements but that one, which keeps the digits of a row that is nearly certain.
 */
public final class CrossEntropyOp extends LossOp {
    final Tensor logits;
    final Tensor labels;
    final Tensor saved;
    Tensor dlogits;

    private CrossEntropyOp(String name, Tape tape, Tensor logits, Tensor labels) {
        super(name, tape);
        this.logits = logits;
        this.labels = labels;
        saved = Tensor.f32(name + ".rows", 3, rows());
        tape.record(this);
    }

    /** Records the loss and returns its scalar. */
    public static Tensor record(Tape tape, String name, Tensor logits, Tensor labels) {
        requireF32(name, logits);
        if (labels.dtype() != DType.I32 || labels.shape().count() != logits.shape().rows()) {
            throw new IllegalArgumentException(name + ": " + labels + " does not label the rows of " + logits);
        }
        return new CrossEntropyOp(name, tape, logits, labels).loss();
    }

    int rows() {
        return logits.shape().rows();
    }

    int width() {
        return logits.shape().at(-1);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(logits, labels);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(loss(), saved);
    }

    @Override
    public void connect(Tape tape) {
        dlogits = tape.newGradient(logits);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dlogits == null ? List.of() : List.of(logits, labels, saved, dlogits);
    }

    /** An exponential counts as one operation. */
    @Override
    public Cost cost() {
        long n = logits.shape().count();
        return new Cost(4 * n, logits.bytes(), 4 * n, 2 * logits.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuCrossEntropy(cpu, this);
            case CudaDevice cuda -> new CudaCrossEntropy(cuda.context(), this);
        };
    }
}
