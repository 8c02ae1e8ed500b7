package io.culvert.ops.gelu;

import static io.culvert.device.cpu.ColumnTotals.TILE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.Arrays;

/** {@code y = gelu(x + bias)}, a row at a time. */
public final class CpuBiasGelu implements OpKernel {
    private final Workers workers;
    private final Tensor x;
    private final Parameter bias;
    private final Tensor y;
    private final Tensor dy;
    private final Tensor dx;
    private final int rows;
    private final int width;
    private final GeluRun[] runs;
    private final ColumnTotals dbias;
    private final Workers.Range forwardTask = this::activate;
    private final Workers.Piece backwardTask = this::differentiate;

    /**
     * Takes the tensors of both halves.
     *
     * @param x {@code [..., D]}
     * @param bias {@code [D]}
     * @param y {@code [..., D]}; may be x if there is no backward pass
     * @param dx may be dy; both null if there is no backward pass
     */
    public CpuBiasGelu(CpuDevice cpu, Tensor x, Parameter bias, Tensor y, Tensor dy, Tensor dx) {
        this.x = x;
        this.bias = bias;
        this.y = y;
        this.dy = dy;
        this.dx = dx;
        workers = cpu.workers();
        rows = x.shape().rows();
        width = x.shape().at(-1);
        dbias = new ColumnTotals(workers, width);
        runs = new GeluRun[workers.threads()];
        Arrays.setAll(runs, worker -> new GeluRun(cpu.oneDnn().workspace(worker), width));
    }

    @Override
    public void forward() {
        workers.run(rows, TILE, forwardTask);
    }

    @Override
    public void backward() {
        dbias.clear();
        workers.run(rows, TILE, backwardTask);
        dbias.addTo(bias.gradient().data());
    }

    private void activate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        for (int row = from; row < to; row++) {
            run.values(x.data(), bias.value().data(), y.data(), (long) row * width, width);
        }
    }

    private void differentiate(int worker, int piece, int from, int to) {
        GeluRun run = runs[worker];
        for (int tile = from; tile < to; tile += TILE) {
            for (int row = tile; row < Math.min(to, tile + TILE); row++) {
                run.gradients(
                        x.data(),
                        bias.value().data(),
                        dy.data(),
                        dx.data(),
                        (long) row * width,
                        dbias.recent(worker),
                        width);
            }
            dbias.flush(worker, piece);
        }
    }
}
