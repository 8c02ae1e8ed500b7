package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ConvolutionPrimitive;
import io.culvert.device.cpu.ConvolutionWeights;
import io.culvert.device.cpu.OneDnn;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Convolution on the CPU, each direction by what is fastest for its geometry: {@link Winograd} for 3 x 3 taps of many channels, {@link PixelProducts} for small maps with large weights;
 * else oneDNN on channels-last activations, with weights in the blocked form that each direction prefers, reordered only when the
 * optimiser has moved them. The gradient of the weights is a matrix product over {@link Im2Col} where oneDNN's own kernel for it reaches half
 * of the machine's rate.
 */
final class CpuConv2d implements OpKernel {
    private final Conv2dOp op;
    private final Runnable forward;
    private final Runnable backwardData;
    private final Runnable backwardWeights;

    CpuConv2d(CpuDevice cpu, Conv2dOp op) {
        this.op = op;
        forward = forward(cpu);
        backwardData = op.dx == null ? () -> {} : backwardData(cpu);
        backwardWeights = op.dy == null ? () -> {} : backwardWeights(cpu);
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        backwardData.run();
        backwardWeights.run();
    }

    private Runnable forward(CpuDevice cpu) {
        Winograd winograd = Winograd.forward(cpu, op.geometry);
        if (winograd != null) {
            return () -> winograd.execute(op.x.data(), op.weight.value().data(), op.y.data());
        }
        PixelProducts pixels = PixelProducts.forward(cpu, op.geometry);
        if (pixels != null) {
            return () -> pixels.execute(op.x.data(), op.weight.value().data(), op.y.data());
        }
        ConvolutionPrimitive primitive = ConvolutionPrimitive.forward(cpu.oneDnn(), op.geometry);
        return () -> {
            primitive.weights(op.weight.value().data(), op.weight.version());
            primitive.execute(op.x.data(), op.y.data());
        };
    }

    private Runnable backwardData(CpuDevice cpu) {
        Winograd winograd = Winograd.backwardData(cpu, op.geometry);
        if (winograd != null) {
            return () -> winograd.execute(op.dy.data(), op.weight.value().data(), op.dx.data());
        }
        PixelProducts pixels = PixelProducts.backwardData(cpu, op.geometry);
        if (pixels != null) {
            return () -> pixels.execute(op.dy.data(), op.weight.value().data(), op.dx.data());
        }
        ConvolutionPrimitive primitive = ConvolutionPrimitive.backwardData(cpu.oneDnn(), op.geometry);
        return () -> {
            primitive.weights(op.weight.value().data(), op.weight.version());
            primitive.execute(op.dy.data(), op.dx.data());
        };
    }

    private Runnable backwardWeights(CpuDevice cpu) {
        MemorySegment gradient = op.weight.gradient().data();
        WinogradWeights winograd = WinogradWeights.of(cpu, op.geometry);
        if (winograd != null) {
            return () -> winograd.add(op.x.data(), op.dy.data(), gradient);
        }
        PixelProducts pixels = PixelProducts.backwardWeights(cpu, op.geometry);
        if (pixels != null) {
            return () -> pixels.execute(op.dy.data(), op.x.data(), gradient);
        }
        if (ConvolutionWeights.pays(cpu.oneDnn(), op.geometry)) {
            ConvolutionWeights weights = new ConvolutionWeights(cpu.oneDnn(), op.geometry);
            return () -> weights.add(op.x.data(), op.dy.data(), gradient);
        }
        Im2Col im2col = new Im2Col(cpu, op.geometry);
        // Made here because a step must not allocate.
        MemorySegment[] dy = slices(op.dy.data(), op.geometry, im2col.sliceRows());
        return () -> multiplyColumns(cpu.oneDnn(), im2col, dy, gradient);
    }

    /** The output gradient from each slice's first row on. */
    private static MemorySegment[] slices(MemorySegment dy, ConvGeometry g, int sliceRows) {
        MemorySegment[] slices = new MemorySegment[(g.rows() + sliceRows - 1) / sliceRows];
        Arrays.setAll(slices, i -> dy.asSlice((long) i * sliceRows * g.out() * Float.BYTES));
        return slices;
    }

    /** {@code gradient[out, taps] += dy[rows, out]^T columns[rows, taps]}, a slice of rows at a time so that it stays cached. */
    private void multiplyColumns(OneDnn dnn, Im2Col im2col, MemorySegment[] dy, MemorySegment gradient) {
        ConvGeometry g = op.geometry;
        for (int i = 0; i < dy.length; i++) {
            int from = i * im2col.sliceRows();
            int rows = Math.min(im2col.sliceRows(), g.rows() - from);
            MemorySegment columns = im2col.columns(op.x.data(), from, rows);
            dnn.sgemm('T', 'N', g.out(), g.taps(), rows, 1, dy[i], g.out(), columns, g.taps(), 1, gradient, g.taps());
        }
    }
}
