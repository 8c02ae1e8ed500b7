package io.culvert.ops.mlp;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.cpu.PackedProduct;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The block between two residual connections of a transformer (Vaswani et al. 2017, section 3.3, with GELU for ReLU):
 * {@code y = gelu(x W1^T + b1) W2^T + b2} over the last axis. x {@code [..., in]}, W1 {@code [hidden, in]}, W2
 * {@code [out, hidden]}, y {@code [..., out]}. One op, because a library's product takes the GELU along: forward that of the
 * layer before, backward that of the layer behind.
 *
 * <p>Saved: {@code a}, what the GELU is taken of, with b1 where the product took the GELU along and without b1 where a kernel of
 * its own adds it; on a GPU also {@code h}, the GELU's values. The CPU goes through the rows in pieces, so that h and the gradients
 * between the layers stay in its caches, and makes h anew for backward beside the GELU's slope.
 */
public final class MlpOp extends Op {
    /**
     * Rows of a chunk on the CPU: many enough for the products that sum over them, few enough that what these read of two chunks stays
     * in the third-level cache.
     */
    private static final int CHUNK = 1024;

    private final boolean training;
    /** Rows that go through all layers at a time, on the CPU. */
    final int block;

    /** A multiple of {@link #block}, or all rows if those are fewer. */
    final int chunk;

    final Tensor x;
    final Layer first;
    final Layer second;
    /** Null for none. */
    final Tensor residual;

    final Tensor y;
    /** h itself on a tape that only infers: the GELU is taken in place. */
    Tensor a;

    /** On the CPU of a block for each worker. */
    Tensor h;
    /** On the CPU h of two chunks once more, for backward; else null. */
    Tensor hAgain;

    Tensor dy;
    /** Of a, on the CPU of two chunks; of h before the GELU's backward pass, where that is a kernel of its own. */
    Tensor da;

    Tensor dx;

    /** A linear layer: weight {@code [out, in]}, bias {@code [out]}. */
    public record Layer(Parameter weight, Parameter bias) {
        /** Of its output. */
        public int width() {
            return weight.value().shape().at(0);
        }

        /** Whether it takes rows of that many elements, and its bias fits its weight. */
        public boolean fits(int in) {
            return weight.value().shape().at(1) == in && bias.value().shape().count() == width();
        }
    }

    private MlpOp(String name, Tape tape, Tensor x, Layer first, Layer second, Tensor residual, int block, int chunk) {
        super(name);
        int rows = x.shape().rows();
        int even = Math.ceilDiv(rows, Math.ceilDiv(rows, chunk));
        this.block = Math.min(block, rows);
        this.chunk = Math.min(rows, Math.ceilDiv(even, this.block) * this.block);
        this.x = x;
        this.first = first;
        this.second = second;
        this.residual = residual;
        training = tape.training();
        y = like(x, name + ".y", second.width());
        if (!first.fits(x.shape().at(-1)) || !second.fits(first.width())) {
            throw new IllegalArgumentException(name + ": " + first + " and " + second + " do not fit " + x);
        }
        if (residual != null && (!residual.shape().equals(y.shape()) || residual.dtype() != y.dtype())) {
            throw new IllegalArgumentException(name + ": " + residual + " is not like " + y);
        }
        tape.record(this);
    }

    private static Tensor like(Tensor x, String name, int width) {
        int[] extents = x.shape().toArray();
        extents[extents.length - 1] = width;
        return new Tensor(name, Shape.of(extents), x.dtype());
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Layer first, Layer second) {
        return record(tape, name, x, first, second, null);
    }

    /**
     * As the other, with a residual connection, which is added to y. The gradient of y is that of the residual too: nothing is copied.
     *
     * @param residual of y's shape, or null
     */
    public static Tensor record(Tape tape, String name, Tensor x, Layer first, Layer second, Tensor residual) {
        return record(tape, name, x, first, second, residual, PackedProduct.BLOCK, CHUNK);
    }

    /** As the other, with other numbers of rows in a block and at most in a chunk. */
    static Tensor record(
            Tape tape, String name, Tensor x, Layer first, Layer second, Tensor residual, int block, int chunk) {
        return new MlpOp(name, tape, x, first, second, residual, block, chunk).y;
    }

    @Override
    public List<Tensor> inputs() {
        return residual == null ? List.of(x) : List.of(x, residual);
    }

    @Override
    public void choose(Device device) {
        switch (device) {
            case CpuDevice cpu -> {
                h = ofRows(".h", cpu.workers().threads() * block);
                hAgain = training ? ofRows(".h again", Math.min(x.shape().rows(), 2 * chunk)) : null;
            }
            case CudaDevice cuda -> h = like(x, name() + ".h", first.width());
        }
        a = training ? like(x, name() + ".a", first.width()) : h;
    }

    private Tensor ofRows(String suffix, int rows) {
        return new Tensor(name() + suffix, Shape.of(rows, first.width()), x.dtype());
    }

    @Override
    public List<Tensor> outputs() {
        List<Tensor> outputs = new ArrayList<>(List.of(y));
        if (h != null && hAgain == null) {
            outputs.add(h);
        }
        if (a != null) {
            outputs.add(a);
        }
        return outputs;
    }

    @Override
    public List<Tensor> forwardScratch() {
        return hAgain == null ? List.of() : List.of(h);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        Tensor of = hAgain == null ? a : hAgain;
        da = new Tensor("grad/" + a.name(), of.shape(), a.dtype());
        dx = tape.newGradient(x);
        if (residual != null) {
            tape.shareGradient(residual, dy);
        }
    }

    @Override
    public List<Tensor> backwardUses() {
        List<Tensor> uses = new ArrayList<>(List.of(x, a, hAgain == null ? h : hAgain, dy, da));
        if (dx != null) {
            uses.add(dx);
        }
        return uses;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(first.weight, first.bias, second.weight, second.bias);
    }

    @Override
    public Cost cost() {
        long gelu = (long) x.shape().rows() * first.width();
        long products = 2 * gelu * (x.shape().at(-1) + second.width());
        long ofFirst = dx == null ? 2 * gelu * x.shape().at(-1) : 0;
        long hidden = gelu * x.dtype().bytes;
        long bytes = x.bytes() + y.bytes() + first.weight.value().bytes() + second.weight.value().bytes();
        long summed = residual == null ? 0 : y.bytes();
        return new Cost(products + 21 * gelu, bytes + summed + 4 * hidden, 2 * products - ofFirst + 32 * gelu, 2 * bytes + 7 * hidden);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuMlp(cpu, this);
            case CudaDevice cuda -> CudaMlp.of(cuda.context(), this);
        };
    }
}
