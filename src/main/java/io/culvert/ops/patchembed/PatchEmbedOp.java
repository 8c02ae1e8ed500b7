package io.culvert.ops.patchembed;

import io.culvert.CulvertException;
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
 * Patches to tokens (Dosovitskiy et al. 2021, section 3.1): each patch of p x p pixels, laid out as a row, times the weight,
 * plus the bias. It is a convolution whose stride is its kernel, computed as one matrix product. x: {@code [N, H, W, C]}
 * with H and W multiples of p; weight {@code [D, p, p, C]}; bias {@code [D]}; y: {@code [N, H/p * W/p, D]}. The rows are
 * kept for the gradient of the weight.
 */
public final class PatchEmbedOp extends Op {
    final Tensor x;
    final Tensor rows;
    final Tensor y;
    final Parameter weight;
    final Parameter bias;
    final int patch;
    Tensor dy;
    Tensor drows;
    Tensor dx;

    private PatchEmbedOp(String name, Tape tape, Tensor x, Parameter weight, Parameter bias, int patch) {
        super(name);
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.patch = patch;
        int images = x.shape().at(0);
        int patches = x.shape().at(1) / patch * (x.shape().at(2) / patch);
        rows = new Tensor(name + ".rows", Shape.of(images, patches, patch * patch * x.shape().at(3)), x.dtype());
        y = new Tensor(name + ".y", Shape.of(images, patches, weight.torchShape()[0]), x.dtype());
        tape.record(this);
    }

    /**
     * Records the operation and returns y.
     *
     * @throws CulvertException (usage) if patches do not tile the image
     */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter weight, Parameter bias) {
        int[] w = weight.torchShape();
        if (x.shape().rank() != 4 || w.length != 4 || x.shape().at(3) != w[1] || w[2] != w[3]) {
            throw new IllegalArgumentException(name + ": " + x + " does not fit " + weight.value());
        }
        int height = x.shape().at(1);
        int width = x.shape().at(2);
        if (height % w[2] != 0 || width % w[2] != 0) {
            throw CulvertException.usage(
                    "%s: patches of %d do not tile an image of %d x %d: choose model.patch to divide data.image_size",
                    name, w[2], height, width);
        }
        return new PatchEmbedOp(name, tape, x, weight, bias, w[2]).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y, rows);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
        drows = dx == null ? null : new Tensor("grad/" + rows.name(), rows.shape(), rows.dtype());
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(rows, dy) : List.of(rows, dy, drows, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight, bias);
    }

    @Override
    public Cost cost() {
        long flops = 2 * rows.shape().count() * weight.torchShape()[0];
        long bytes = 2 * rows.bytes() + y.bytes() + weight.value().bytes();
        return new Cost(flops, bytes, dx == null ? flops : 2 * flops, dx == null ? bytes : 2 * bytes);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuPatchEmbed(cpu, this);
            case CudaDevice cuda -> new CudaPatchEmbed(cuda.context(), this);
        };
    }
}
