package io.culvert.ops.gelu;

import static io.culvert.device.cpu.ColumnTotals.TILE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.util.Arrays;

/** A row at a time. */
final class CpuBiasGelu implements OpKernel {
    private final Workers workers;
    private final BiasGeluOp op;
    private final int rows;
    private final int width;
    private final GeluRun[] runs;
    private final ColumnTotals dbias;
    private final Workers.Range forwardTask = this::activate;
    private final Workers.Range backwardTask = this::differentiate;

    CpuBiasGelu(CpuDevice cpu, BiasGeluOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.x.shape().rows();
        width = op.x.shape().at(-1);
        dbias = new ColumnTotals(workers, width);
        runs = new GeluRun[workers.threads()];
        Arrays.setAll(runs, worker -> new GeluRun(width));
    }

    @Override
    public void forward() {
        workers.run(rows, TILE, forwardTask);
    }

    @Override
    public void backward() {
        dbias.clear();
        workers.run(rows, TILE, backwardTask);
        dbias.addTo(op.bias.gradient().data());
    }

    private void activate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            run.load(op.x.data(), base, op.bias.value().data(), width);
            run.storeValues(op.y.data(), base, width);
        }
    }

    private void differentiate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        for (int tile = from; tile < to; tile += TILE) {
            for (int row = tile; row < Math.min(to, tile + TILE); row++) {
                long base = (long) row * width;
                run.load(op.x.data(), base, op.bias.value().data(), width);
                run.storeGradients(op.dx.data(), op.dy.data(), base, width);
                dbias.addRow(op.dx.data(), base, worker);
            }
            dbias.flush(worker);
        }
    }
}
