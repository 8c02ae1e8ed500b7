package io.culvert.ops.masking;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.DType;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The patches that a masked autoencoder's encoder sees (He et al. 2022, section 3), laid out as rows: what is removed is
 * never projected. x: {@code [N, H, W, C]}; visible: {@code [N, K]} integers, the places of the patches that stay, counted
 * row by row, each once; slots: {@code [N, L]} integers with {@code L = H W / p^2}, its inverse: which of the K a place is,
 * -1 where its patch was removed; y: {@code [N, K, p p C]}, in the order of a weight {@code [D, p, p, C]}.
 */
public final class VisiblePatchesOp extends Op {
    final Tensor x;
    final Tensor y;
    final Tensor visible;
    final Tensor slots;
    final int patch;
    Tensor dy;
    Tensor dx;

    private VisiblePatchesOp(String name, Tape tape, Tensor x, Tensor visible, Tensor slots, int patch, Shape rows) {
        super(name);
        this.x = x;
        this.visible = visible;
        this.slots = slots;
        this.patch = patch;
        y = new Tensor(name + ".y", rows, x.dtype());
        tape.record(this);
    }

    /**
     * Records the operation and returns y.
     *
     * @param patch side of a patch, pixels
     * @throws CulvertException (usage) if patches do not tile the image
     */
    public static Tensor record(Tape tape, String name, Tensor x, Tensor visible, Tensor slots, int patch) {
        Shape s = x.shape();
        if (s.rank() != 4) {
            throw new IllegalArgumentException(name + ": needs [N, H, W, C], got " + x);
        }
        if (s.at(1) % patch != 0 || s.at(2) % patch != 0) {
            throw CulvertException.usage(
                    "%s: patches of %d do not tile an image of %d x %d: choose model.patch to divide data.image_size",
                    name, patch, s.at(1), s.at(2));
        }
        int places = s.at(1) / patch * (s.at(2) / patch);
        requireIndices(name, visible, s.at(0));
        requireIndices(name, slots, s.at(0));
        if (slots.shape().at(1) != places || visible.shape().at(1) > places) {
            throw new IllegalArgumentException(
                    name + ": " + visible + " and " + slots + " do not fit " + places + " patches an image");
        }
        Shape rows = Shape.of(s.at(0), visible.shape().at(1), Math.multiplyExact(patch * patch, s.at(3)));
        return new VisiblePatchesOp(name, tape, x, visible, slots, patch, rows).y;
    }

    static void requireIndices(String name, Tensor tensor, int images) {
        if (tensor.dtype() != DType.I32 || tensor.shape().rank() != 2 || tensor.shape().at(0) != images) {
            throw new IllegalArgumentException(name + ": needs integers for " + images + " images, got " + tensor);
        }
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x, visible, slots);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(dy) : List.of(dy, slots, dx);
    }

    @Override
    public Cost cost() {
        return new Cost(0, 2 * y.bytes(), 0, dx == null ? 0 : x.bytes() + y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuVisiblePatches(cpu, this);
            case CudaDevice cuda -> new CudaVisiblePatches(cuda.context(), this);
        };
    }
}
