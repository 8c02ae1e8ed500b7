package io.culvert.ops.mlp;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.PackedProduct;
import io.culvert.device.cpu.RowBlocks;
import io.culvert.device.cpu.WeightGradient;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.ops.gelu.GeluRun;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A block of rows after another goes through product, GELU and product while it is in the caches of the worker that has it;
 * the gradients of the weights are oneDNN's products of a chunk of many blocks, while those of the next go through.
 */
final class CpuMlp implements OpKernel {
    private final MlpOp op;
    private final Workers workers;
    private final int rows;
    private final int in;
    private final int hidden;
    private final int out;
    private final int block;
    private final int chunk;
    private final PackedProduct toHidden;
    private final PackedProduct toOut;
    private final PackedProduct fromOut;
    private final PackedProduct fromHidden;
    private final RowBlocks x;
    /** Null where h takes its place. */
    private final RowBlocks a;

    /** Of no matrix if there is none. */
    private final RowBlocks residual;

    private final RowBlocks y;
    /** A block for each worker. */
    private final RowBlocks h;

    private final RowBlocks dy;
    private final RowBlocks dx;
    /** The blocks of two chunks. */
    private final RowBlocks da;

    private final RowBlocks chunksOfX;
    private final RowBlocks chunksOfDy;
    private final RowBlocks chunksOfH;
    private final RowBlocks chunksOfDa;
    private final GeluRun[] runs;
    /** Null if there is no backward pass, as its twin. */
    private final WeightGradient dweight1;

    private final WeightGradient dweight2;
    private final ColumnTotals dfirst;
    private final ColumnTotals dsecond;
    private final Workers.Range forwardTask = this::multiply;
    private final Workers.Piece backwardTask = this::differentiate;
    private final Workers.Range weightTask = this::multiplyWeights;
    /** The first block of the current chunk. */
    private int first;

    /** Where its blocks begin among those of {@link #da}. */
    private int held;

    CpuMlp(CpuDevice cpu, MlpOp op) {
        this.op = op;
        OneDnn dnn = cpu.oneDnn();
        workers = cpu.workers();
        int threads = workers.threads();
        rows = op.x.shape().rows();
        in = op.x.shape().at(-1);
        hidden = op.first.width();
        out = op.second.width();
        block = op.block;
        chunk = op.chunk;
        x = new RowBlocks(rows, block);
        a = op.a == op.h ? null : new RowBlocks(rows, block);
        residual = new RowBlocks(rows, block);
        y = new RowBlocks(rows, block);
        h = new RowBlocks(op.h.shape().at(0), block);
        dy = new RowBlocks(rows, block);
        dx = new RowBlocks(rows, block);
        int two = Math.min(rows, 2 * chunk);
        da = new RowBlocks(two, block);
        chunksOfX = new RowBlocks(rows, chunk);
        chunksOfDy = new RowBlocks(rows, chunk);
        chunksOfH = new RowBlocks(two, chunk);
        chunksOfDa = new RowBlocks(two, chunk);
        toHidden = PackedProduct.forward(dnn, 0, threads, rows, block, in, hidden, true, false);
        toOut = PackedProduct.forward(dnn, 1, threads, rows, block, hidden, out, true, op.residual != null);
        fromOut = op.dy == null ? null : PackedProduct.backward(dnn, 0, threads, rows, block, hidden, out);
        fromHidden = op.dx == null ? null : PackedProduct.backward(dnn, 1, threads, rows, block, in, hidden);
        runs = new GeluRun[threads];
        Arrays.setAll(runs, worker -> new GeluRun(dnn.workspace(worker), hidden));
        dweight1 = op.dy == null ? null : new WeightGradient(dnn, workers, 0, rows, in, hidden);
        dweight2 = op.dy == null ? null : new WeightGradient(dnn, workers, 1, rows, hidden, out);
        dfirst = new ColumnTotals(workers, hidden);
        dsecond = new ColumnTotals(workers, out);
    }

    @Override
    public void forward() {
        toHidden.pack(op.first.weight().value().data(), op.first.bias().value().data());
        toOut.pack(op.second.weight().value().data(), op.second.bias().value().data());
        x.of(op.x.data());
        h.of(op.h.data());
        if (op.residual != null) {
            residual.of(op.residual.data());
        }
        y.of(op.y.data());
        if (a != null) {
            a.of(op.a.data());
        }
        workers.run(rows, block, forwardTask);
    }

    private void multiply(int worker, int from, int to) {
        for (int i = from / block; i * block < to; i++) {
            multiply(worker, i);
        }
    }

    /** Of a block. */
    private void multiply(int worker, int i) {
        MemorySegment values = h.at(worker);
        int n = x.rows(i);
        MemorySegment before = a == null ? values : a.at(i);
        toHidden.multiply(worker, x.at(i), before, n);
        runs[worker].values(before, 0, values, 0, n * hidden);
        toOut.multiply(worker, values, residual.at(i), y.at(i), n);
    }

    @Override
    public void backward() {
        fromOut.pack(op.second.weight().value().data());
        if (fromHidden != null) {
            fromHidden.pack(op.first.weight().value().data());
            dx.of(op.dx.data());
        }
        a.of(op.a.data());
        dy.of(op.dy.data());
        da.of(op.da.data());
        chunksOfX.of(op.x.data());
        chunksOfDy.of(op.dy.data());
        chunksOfH.of(op.hAgain.data());
        chunksOfDa.of(op.da.data());
        dweight1.start(op.first.weight().gradient().data(), 1);
        dweight2.start(op.second.weight().gradient().data(), 1);
        dfirst.clear();
        dsecond.clear();
        for (int i = 0; i < chunksOfX.count(); i++) {
            int n = chunksOfX.rows(i);
            first = i * (chunk / block);
            held = i % 2 * (chunk / block);
            workers.run(i == 0 ? null : weightTask, n, block, backwardTask);
            dweight2.give(chunksOfDy.at(i), chunksOfH.at(i % 2), n);
            dweight1.give(chunksOfDa.at(i % 2), chunksOfX.at(i), n);
        }
        if (rows <= block) {
            multiplyWeights(0, 0, workers.threads());
        } else {
            workers.run(workers.threads(), 1, weightTask);
        }
        dweight1.finish();
        dweight2.finish();
        dfirst.addTo(op.first.bias().gradient().data());
        dsecond.addTo(op.second.bias().gradient().data());
    }

    /** Of the chunk before. */
    private void multiplyWeights(int worker, int from, int to) {
        dweight2.multiply(worker, from, to);
        dweight1.multiply(worker, from, to);
    }

    private void differentiate(int worker, int piece, int from, int to) {
        for (int i = from / block; i * block < to; i++) {
            differentiate(worker, piece, i);
        }
    }

    /** Of a block of the chunk: the gradient of a, h anew, and the gradient of x. */
    private void differentiate(int worker, int piece, int i) {
        MemorySegment gradients = da.at(held + i);
        int global = first + i;
        int n = dy.rows(global);
        fromOut.multiply(worker, dy.at(global), gradients, n);
        long values = (long) (held + i) * block * hidden;
        for (int row = 0; row < n; row++) {
            long base = (long) row * hidden;
            runs[worker].gradients(
                    a.at(global),
                    base,
                    op.hAgain.data(),
                    values + base,
                    gradients,
                    gradients,
                    base,
                    dfirst.recent(worker),
                    hidden);
            dsecond.addRow(dy.at(global), (long) row * out, worker);
        }
        dfirst.flush(worker, piece);
        dsecond.flush(worker, piece);
        if (fromHidden != null) {
            fromHidden.multiply(worker, gradients, dx.at(global), n);
        }
    }
}
