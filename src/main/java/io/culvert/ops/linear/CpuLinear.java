package io.culvert.ops.linear;

import static io.culvert.device.cpu.PackedProduct.BLOCK;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.PackedProduct;
import io.culvert.device.cpu.RowBlocks;
import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.WeightGradient;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Three matrix products by oneDNN: y = x W^T and what is added, dx = dy W, dW += dy^T x; and db += the sum of dy's rows. */
public final class CpuLinear implements OpKernel {
    private final OneDnn dnn;
    private final Workers workers;
    private final Tensor x;
    private final LinearWeight weight;
    private final Parameter bias;
    private final Tensor residual;
    private final Tensor y;
    private final Tensor dy;
    private final Tensor dx;
    private final int rows;
    private final int in;
    private final int out;
    /** Null where there are fewer rows than columns: packing the weights would cost more than it saves. */
    private final PackedProduct forward;

    private final PackedProduct backward;
    private final RowBlocks xs;
    /** Of no matrix if there is none. */
    private final RowBlocks residuals;

    private final RowBlocks ys;
    private final RowBlocks dys;
    private final RowBlocks dxs;
    /** Null if there is no backward pass. */
    private final WeightGradient dweight;

    private final ColumnTotals dbias;
    private final Workers.Range biasTask = this::layBias;
    private final Workers.Range forwardTask = this::multiply;
    private final Workers.Piece backwardTask = this::differentiate;
    /** Null if there is no backward pass. */
    private final Workers.Range weightTask;

    /**
     * Takes the tensors of both halves.
     *
     * @param x {@code [..., in]}
     * @param bias may be null
     * @param residual like y, added to it; may be null
     * @param y {@code [..., out]}
     * @param dy null if there is no backward pass
     * @param dx null if nobody needs it
     */
    public CpuLinear(CpuDevice cpu, Tensor x, LinearWeight weight, Parameter bias, Tensor residual, Tensor y, Tensor dy, Tensor dx) {
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.residual = residual;
        this.y = y;
        this.dy = dy;
        this.dx = dx;
        rows = x.shape().rows();
        in = x.shape().at(-1);
        out = y.shape().at(-1);
        boolean packs = rows >= out;
        int threads = workers.threads();
        int block = Math.min(rows, BLOCK);
        forward = packs ? PackedProduct.forward(dnn, 0, threads, rows, block, in, out, bias != null, residual != null) : null;
        backward = packs && dx != null ? PackedProduct.backward(dnn, 0, threads, rows, block, in, out) : null;
        xs = new RowBlocks(rows, BLOCK);
        residuals = new RowBlocks(rows, BLOCK);
        ys = new RowBlocks(rows, BLOCK);
        dys = new RowBlocks(rows, BLOCK);
        dxs = new RowBlocks(rows, BLOCK);
        dweight = dy == null ? null : new WeightGradient(dnn, workers, 0, rows, in, out);
        weightTask = dweight == null ? null : dweight::multiply;
        dbias = bias == null ? null : new ColumnTotals(workers, out);
    }

    @Override
    public void forward() {
        if (forward == null) {
            multiplyFew();
            return;
        }
        if (bias == null) {
            forward.pack(weight.value().data());
        } else {
            forward.pack(weight.value().data(), bias.value().data());
        }
        xs.of(x.data());
        if (residual != null) {
            residuals.of(residual.data());
        }
        ys.of(y.data());
        workers.run(rows, BLOCK, forwardTask);
    }

    private void multiply(int worker, int from, int to) {
        for (int block = from / BLOCK; block * BLOCK < to; block++) {
            forward.multiply(worker, xs.at(block), residuals.at(block), ys.at(block), xs.rows(block));
        }
    }

    /** What is added is laid into y first and the product added to it, which saves a pass over y. */
    private void multiplyFew() {
        float beta = 0;
        if (residual != null) {
            y.data().copyFrom(residual.data());
            beta = 1;
        }
        if (bias != null) {
            workers.run(rows, BLOCK, biasTask);
            beta = 1;
        }
        dnn.sgemm('N', 'T', rows, out, in, 1, x.data(), in, weight.value().data(), in, beta, y.data(), out);
    }

    private void layBias(int worker, int from, int to) {
        MemorySegment values = bias.value().data();
        MemorySegment sums = y.data();
        for (int row = from; row < to; row++) {
            long at = (long) row * out;
            if (residual == null) {
                MemorySegment.copy(values, 0, sums, at * Float.BYTES, (long) out * Float.BYTES);
            } else {
                RowSum.add(sums, at, values, 0, sums, at, out);
            }
        }
    }

    @Override
    public void backward() {
        dweight.start(weight.gradient().data(), weight.keep());
        if (backward != null) {
            backward.pack(weight.value().data());
            dys.of(dy.data());
            dxs.of(dx.data());
            if (dbias != null) {
                dbias.clear();
            }
            dweight.give(dy.data(), x.data(), rows);
            workers.run(weightTask, rows, BLOCK, backwardTask);
            if (dbias != null) {
                dbias.addTo(bias.gradient().data());
            }
        } else {
            if (dx != null) {
                dnn.sgemm('N', 'N', rows, in, out, 1, dy.data(), out, weight.value().data(), in, 0, dx.data(), in);
            }
            dweight.add(dy.data(), x.data(), rows);
            if (dbias != null) {
                dbias.addRows(dy.data(), rows, bias.gradient().data());
            }
        }
        dweight.finish();
    }

    /** The gradients of x and, while a block of those of y is in the cache, of the bias. */
    private void differentiate(int worker, int piece, int from, int to) {
        for (int block = from / BLOCK; block * BLOCK < to; block++) {
            int n = dys.rows(block);
            backward.multiply(worker, dys.at(block), dxs.at(block), n);
            if (dbias != null) {
                for (int row = 0; row < n; row++) {
                    dbias.addRow(dys.at(block), (long) row * out, worker);
                }
                dbias.flush(worker, piece);
            }
        }
    }
}
