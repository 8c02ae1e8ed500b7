package io.culvert.ops.mlp;

import static io.culvert.device.cpu.ColumnTotals.TILE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.ops.gelu.GeluRun;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Products by oneDNN, GELU and biases between them, a chunk of rows after another. */
final class CpuMlp implements OpKernel {
    private static final int GRAIN = TILE;

    private final MlpOp op;
    private final OneDnn dnn;
    private final Workers workers;
    private final int rows;
    private final int in;
    private final int hidden;
    private final int out;
    private final int chunk;
    private final Rows x;
    private final Rows a;
    private final Rows y;
    private final Rows dy;
    private final Rows dx;
    private final GeluRun[] runs;
    private final ColumnTotals dfirst;
    private final ColumnTotals dsecond;
    private final Workers.Range activateTask = this::activate;
    private final Workers.Range biasTask = this::layBias;
    private final Workers.Range slopeTask = this::differentiate;
    /** Where the current chunk begins, of what the workers' tasks read. */
    private MemorySegment before;

    private MemorySegment result;

    CpuMlp(CpuDevice cpu, MlpOp op) {
        this.op = op;
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        rows = op.x.shape().rows();
        in = op.x.shape().at(-1);
        hidden = op.first.width();
        out = op.second.width();
        chunk = op.h.shape().at(0);
        x = new Rows(op.x);
        a = op.a == op.h ? null : new Rows(op.a);
        y = new Rows(op.y);
        dy = op.dy == null ? null : new Rows(op.dy);
        dx = op.dx == null ? null : new Rows(op.dx);
        runs = new GeluRun[workers.threads()];
        Arrays.setAll(runs, worker -> new GeluRun(hidden));
        dfirst = new ColumnTotals(workers, hidden);
        dsecond = new ColumnTotals(workers, out);
    }

    /** A tensor's rows, a slice a chunk; cut anew when the tensor is fed other memory. */
    private final class Rows {
        private final Tensor tensor;
        private final MemorySegment[] slices = new MemorySegment[Math.ceilDiv(rows, chunk)];
        private MemorySegment whole;

        Rows(Tensor tensor) {
            this.tensor = tensor;
        }

        MemorySegment at(int index) {
            MemorySegment data = tensor.data();
            if (whole == null || data.address() != whole.address()) {
                whole = data;
                long bytes = data.byteSize() / rows * chunk;
                for (int i = 0; i < slices.length; i++) {
                    slices[i] = data.asSlice(i * bytes, Math.min(bytes, data.byteSize() - i * bytes));
                }
            }
            return slices[index];
        }
    }

    private int count(int index) {
        return Math.min(chunk, rows - index * chunk);
    }

    @Override
    public void forward() {
        MemorySegment weight1 = op.first.weight().value().data();
        MemorySegment weight2 = op.second.weight().value().data();
        for (int i = 0; i * chunk < rows; i++) {
            int n = count(i);
            before = a == null ? op.h.data() : a.at(i);
            result = y.at(i);
            dnn.sgemm('N', 'T', n, hidden, in, 1, x.at(i), in, weight1, in, 0, before, hidden);
            workers.run(n, GRAIN, activateTask);
            workers.run(n, GRAIN, biasTask);
            dnn.sgemm('N', 'T', n, out, hidden, 1, op.h.data(), hidden, weight2, hidden, 1, result, out);
        }
    }

    private void activate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        for (int row = from; row < to; row++) {
            long base = (long) row * hidden;
            run.load(before, base, op.first.bias().value().data(), hidden);
            run.storeValues(op.h.data(), base, hidden);
        }
    }

    /** The product is added to the bias, which saves a pass over y. */
    private void layBias(int worker, int from, int to) {
        MemorySegment bias = op.second.bias().value().data();
        long bytes = (long) out * Float.BYTES;
        for (int row = from; row < to; row++) {
            MemorySegment.copy(bias, 0, result, row * bytes, bytes);
        }
    }

    @Override
    public void backward() {
        MemorySegment weight1 = op.first.weight().value().data();
        MemorySegment weight2 = op.second.weight().value().data();
        MemorySegment dweight1 = op.first.weight().gradient().data();
        MemorySegment dweight2 = op.second.weight().gradient().data();
        MemorySegment da = op.da.data();
        MemorySegment h = op.hAgain.data();
        dfirst.clear();
        for (int i = 0; i * chunk < rows; i++) {
            int n = count(i);
            before = a.at(i);
            MemorySegment d = dy.at(i);
            dnn.sgemm('N', 'N', n, hidden, out, 1, d, out, weight2, hidden, 0, da, hidden);
            workers.run(n, GRAIN, slopeTask);
            dnn.sgemm('T', 'N', out, hidden, n, 1, d, out, h, hidden, 1, dweight2, hidden);
            dnn.sgemm('T', 'N', hidden, in, n, 1, da, hidden, x.at(i), in, 1, dweight1, in);
            if (dx != null) {
                dnn.sgemm('N', 'N', n, in, hidden, 1, da, hidden, weight1, in, 0, dx.at(i), in);
            }
        }
        dfirst.addTo(op.first.bias().gradient().data());
        dsecond.addRows(op.dy.data(), rows, op.second.bias().gradient().data());
    }

    /** The gradient of h to that of a, and h anew. */
    private void differentiate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        MemorySegment da = op.da.data();
        for (int tile = from; tile < to; tile += TILE) {
            for (int row = tile; row < Math.min(to, tile + TILE); row++) {
                long base = (long) row * hidden;
                run.load(before, base, op.first.bias().value().data(), hidden);
                run.storeValues(op.hAgain.data(), base, hidden);
                run.storeGradients(da, da, base, hidden);
                dfirst.addRow(da, base, worker);
            }
            dfirst.flush(worker);
        }
    }
}
