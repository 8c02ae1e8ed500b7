package io.culvert.ops.mae;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.LossOp;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The reconstruction loss of masked autoencoders (He et al. 2022, section 3): the mean squared error of the pixels of the
 * patches that were removed,
 *
 * <pre>sum over patches of mask * mean((pred - target)^2) / sum of mask</pre>
 *
 * <p>The target is a patch's pixels, rows first, then columns, then channels; with {@code normalised} they are standardised
 * patch by patch, {@code (x - mean) / sqrt(var + 1e-6)} with the unbiased variance, as in the authors' code. pred:
 * {@code [N, L, P]} with {@code L = H W / patch^2} and {@code P = patch^2 C}; image: {@code [N, H, W, C]}; mask:
 * {@code [N, L]}, 1 where the patch was removed. Image and mask get no gradient. What lies outside the mask is not read. If
 * nothing was removed the loss is 0 / 0. Saves the sum of the mask; backward computes the targets again, and may write
 * the gradient over pred.
 */
public final class MaeOp extends LossOp {
    /** Added to the variance, as in the authors' code. */
    static final double EPS = 1e-6;

    final Tensor pred;
    final Tensor image;
    final Tensor mask;
    final int patch;
    final boolean normalised;
    final Tensor patchLoss;
    final Tensor removed;
    Tensor dpred;

    private MaeOp(String name, Tape tape, Tensor pred, Tensor image, Tensor mask, int patch, boolean normalised) {
        super(name, tape);
        this.pred = pred;
        this.image = image;
        this.mask = mask;
        this.patch = patch;
        this.normalised = normalised;
        patchLoss = Tensor.f32(name + ".patches", patches());
        removed = Tensor.f32(name + ".removed", 1);
        tape.record(this);
    }

    /**
     * Records the loss and returns its scalar.
     *
     * @param patch height and width of a patch in pixels; divides those of the image
     * @param normalised whether targets are standardised patch by patch
     */
    public static Tensor record(
            Tape tape, String name, Tensor pred, Tensor image, Tensor mask, int patch, boolean normalised) {
        requireF32(name, pred, image, mask);
        if (image.shape().rank() != 4 || patch < 1 || image.shape().at(1) % patch != 0
                || image.shape().at(2) % patch != 0) {
            throw new IllegalArgumentException(name + ": patches of " + patch + " pixels do not tile " + image);
        }
        int n = image.shape().at(0);
        int tokens = image.shape().at(1) / patch * (image.shape().at(2) / patch);
        int pixels = Math.multiplyExact(Math.multiplyExact(patch, patch), image.shape().at(3));
        if (!pred.shape().equals(Shape.of(n, tokens, pixels)) || !mask.shape().equals(Shape.of(n, tokens))) {
            throw new IllegalArgumentException("%s: %s and %s do not fit %s in patches of %d pixels"
                    .formatted(name, pred, mask, image, patch));
        }
        if (normalised && pixels < 2) {
            throw new IllegalArgumentException(name + ": a patch of one value has no variance");
        }
        return new MaeOp(name, tape, pred, image, mask, patch, normalised).loss();
    }

    /** Patches of the whole batch. */
    int patches() {
        return pred.shape().rows();
    }

    /** Values of a patch. */
    int pixels() {
        return pred.shape().at(2);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(pred, image, mask);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(loss(), patchLoss, removed);
    }

    @Override
    public void connect(Tape tape) {
        dpred = tape.gradientInPlace(pred);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dpred == null ? List.of() : List.of(pred, image, mask, removed, dpred);
    }

    /** As if every patch were removed. */
    @Override
    public Cost cost() {
        long n = pred.shape().count();
        long flops = normalised ? 9 * n : 3 * n;
        return new Cost(flops, 2 * pred.bytes(), flops, 3 * pred.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuMae(cpu, this);
            case CudaDevice cuda -> new CudaMae(cuda.context(), this);
        };
    }
}
