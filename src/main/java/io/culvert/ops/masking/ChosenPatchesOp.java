package io.culvert.ops.masking;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Some patches of each image, laid out as rows: those that a masked autoencoder's encoder sees (He et al. 2022, section 3), so that what
 * is removed is never projected, or those that its decoder paints. x: {@code [N, H, W, C]}, or tokens {@code [N, L, C]}, each a
 * patch; y: {@code [N, K, p p C]}, in the order of a weight {@code [D, p, p, C]}. Other patches get a gradient of 0.
 */
public final class ChosenPatchesOp extends Op {
    final Tensor x;
    final Tensor y;
    final Places places;
    final int patch;
    Tensor dy;
    Tensor dx;

    private ChosenPatchesOp(String name, Tape tape, Tensor x, Places places, int patch, Shape rows) {
        super(name);
        this.x = x;
        this.places = places;
        this.patch = patch;
        y = new Tensor(name + ".y", rows, x.dtype());
        tape.record(this);
    }

    /**
     * Records the choice of patches of images and returns y.
     *
     * @param patch side of a patch, pixels
     * @throws CulvertException (usage) if patches do not tile the image
     */
    public static Tensor record(Tape tape, String name, Tensor x, Places places, int patch) {
        int row = requirePatches(name, x, places, patch);
        Shape rows = Shape.of(x.shape().at(0), places.chosen().shape().at(1), row);
        return new ChosenPatchesOp(name, tape, x, places, patch, rows).y;
    }

    /** As {@link #record}, but y is images {@code [N, K p, p, C]}, the patches one below the other. */
    public static Tensor recordColumn(Tape tape, String name, Tensor x, Places places, int patch) {
        requirePatches(name, x, places, patch);
        int height = Math.multiplyExact(places.chosen().shape().at(1), patch);
        Shape column = Shape.of(x.shape().at(0), height, patch, x.shape().at(3));
        return new ChosenPatchesOp(name, tape, x, places, patch, column).y;
    }

    /** Records the choice of tokens of x {@code [N, L, D]} and returns them, {@code [N, K, D]}. */
    public static Tensor recordTokens(Tape tape, String name, Tensor x, Places places) {
        Shape s = x.shape();
        if (s.rank() != 3) {
            throw new IllegalArgumentException(name + ": needs [N, L, D], got " + x);
        }
        requireFit(name, s.at(0), s.at(1), places);
        Shape tokens = Shape.of(s.at(0), places.chosen().shape().at(1), s.at(2));
        return new ChosenPatchesOp(name, tape, x, places, 1, tokens).y;
    }

    /** The values of a patch. */
    private static int requirePatches(String name, Tensor x, Places places, int patch) {
        Shape s = x.shape();
        if (s.rank() != 4) {
            throw new IllegalArgumentException(name + ": needs [N, H, W, C], got " + x);
        }
        if (s.at(1) % patch != 0 || s.at(2) % patch != 0) {
            throw CulvertException.usage(
                    "%s: patches of %d do not tile an image of %d x %d: choose model.patch to divide data.image_size",
                    name, patch, s.at(1), s.at(2));
        }
        requireFit(name, s.at(0), s.at(1) / patch * (s.at(2) / patch), places);
        return Math.multiplyExact(patch * patch, s.at(3));
    }

    private static void requireFit(String name, int images, int patches, Places places) {
        places.require(name, images);
        if (places.slots().shape().at(1) != patches || places.chosen().shape().at(1) > patches) {
            throw new IllegalArgumentException(
                    name + ": " + places.chosen() + " and " + places.slots() + " do not fit " + patches + " patches an image");
        }
    }

    int images() {
        return x.shape().at(0);
    }

    /** Of x, pixels; tokens lie side by side. */
    int height() {
        return x.shape().rank() == 3 ? 1 : x.shape().at(1);
    }

    int width() {
        return x.shape().at(-2);
    }

    int channels() {
        return x.shape().at(-1);
    }

    /** Patches of an image that are chosen. */
    int chosen() {
        return places.chosen().shape().at(1);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x, places.chosen(), places.slots());
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
        return dx == null ? List.of(dy) : List.of(dy, places.slots(), dx);
    }

    @Override
    public Cost cost() {
        return new Cost(0, 2 * y.bytes(), 0, dx == null ? 0 : x.bytes() + y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuChosenPatches(cpu, this);
            case CudaDevice cuda -> new CudaChosenPatches(cuda.context(), this);
        };
    }
}
