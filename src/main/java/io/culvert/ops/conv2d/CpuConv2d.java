package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ConvolutionPrimitive;
import io.culvert.device.cpu.OneDnn;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Convolution on the CPU: forward and the gradient of the input by oneDNN on channels-last activations, with weights
 * kept in the blocked form that each prefers and reordered only when the optimiser has moved them, or, of small maps with large
 * weights, by {@link PixelProducts}. The gradient of the
 * weights is a matrix product of ours ({@link Im2Col}), because oneDNN's channels-last kernel for it reaches half of
 * the machine's rate on small maps.
 */
final class CpuConv2d implements OpKernel {
    private final OneDnn dnn;
    private final Conv2dOp op;
    /** Null where pixels are multiplied. */
    private final ConvolutionPrimitive forward;

    private final ConvolutionPrimitive backwardData;
    private final PixelProducts pixelsForward;
    private final PixelProducts pixelsBackward;
    private final PixelProducts pixelsWeights;
    private final Im2Col im2col;
    /** The output gradient from each slice's first row on; made here because a step must not allocate. */
    private final MemorySegment[] dySlices;

    CpuConv2d(CpuDevice cpu, Conv2dOp op) {
        this.op = op;
        dnn = cpu.oneDnn();
        pixelsForward = PixelProducts.forward(cpu, op.geometry);
        pixelsBackward = op.dx == null ? null : PixelProducts.backwardData(cpu, op.geometry);
        forward = pixelsForward == null ? ConvolutionPrimitive.forward(dnn, op.geometry) : null;
        backwardData = op.dx == null || pixelsBackward != null ? null : ConvolutionPrimitive.backwardData(dnn, op.geometry);
        pixelsWeights = op.dy == null ? null : PixelProducts.backwardWeights(cpu, op.geometry);
        im2col = op.dy == null || pixelsWeights != null ? null : new Im2Col(cpu, op.geometry);
        dySlices = im2col == null ? null : slices(op.dy.data(), op.geometry, im2col.sliceRows());
    }

    private static MemorySegment[] slices(MemorySegment dy, ConvGeometry g, int sliceRows) {
        MemorySegment[] slices = new MemorySegment[(g.rows() + sliceRows - 1) / sliceRows];
        Arrays.setAll(slices, i -> dy.asSlice((long) i * sliceRows * g.out() * Float.BYTES));
        return slices;
    }

    @Override
    public void forward() {
        if (pixelsForward != null) {
            pixelsForward.execute(op.x.data(), op.weight.value().data(), op.y.data());
            return;
        }
        forward.weights(op.weight.value().data(), op.weight.version());
        forward.execute(op.x.data(), op.y.data());
    }

    @Override
    public void backward() {
        if (pixelsBackward != null) {
            pixelsBackward.execute(op.dy.data(), op.weight.value().data(), op.dx.data());
        } else if (backwardData != null) {
            backwardData.weights(op.weight.value().data(), op.weight.version());
            backwardData.execute(op.dy.data(), op.dx.data());
        }
        backwardWeights();
    }

    /** {@code dW[out, taps] += dy[rows, out]^T columns[rows, taps]}, a slice of rows at a time so that it stays cached. */
    private void backwardWeights() {
        ConvGeometry g = op.geometry;
        MemorySegment dw = op.weight.gradient().data();
        if (pixelsWeights != null) {
            pixelsWeights.execute(op.dy.data(), op.x.data(), dw);
            return;
        }
        for (int i = 0; i < dySlices.length; i++) {
            int from = i * im2col.sliceRows();
            int rows = Math.min(im2col.sliceRows(), g.rows() - from);
            MemorySegment columns = im2col.columns(op.x.data(), from, rows);
            dnn.sgemm('T', 'N', g.out(), g.taps(), rows, 1, dySlices[i], g.out(), columns, g.taps(), 1, dw, g.taps());
        }
    }
}
