package io.culvert.ops.linear;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Three matrix products by oneDNN: y = x W^T, dx = dy W, dW += dy^T x; and db += the sum of dy's rows. */
public final class CpuLinear implements OpKernel {
    private static final int GRAIN = 64;

    private final OneDnn dnn;
    private final Workers workers;
    private final Tensor x;
    private final LinearWeight weight;
    private final Parameter bias;
    private final Tensor y;
    private final Tensor dy;
    private final Tensor dx;
    private final int rows;
    private final int in;
    private final int out;
    private final ColumnTotals dbias;
    private final Workers.Range biasTask = this::layBias;

    /**
     * Takes the tensors of both halves.
     *
     * @param x {@code [..., in]}
     * @param bias may be null
     * @param y {@code [..., out]}
     * @param dy null if there is no backward pass
     * @param dx null if nobody needs it
     */
    public CpuLinear(CpuDevice cpu, Tensor x, LinearWeight weight, Parameter bias, Tensor y, Tensor dy, Tensor dx) {
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.y = y;
        this.dy = dy;
        this.dx = dx;
        rows = x.shape().rows();
        in = x.shape().at(-1);
        out = y.shape().at(-1);
        dbias = bias == null ? null : new ColumnTotals(workers, out);
    }

    /** The bias is laid into y first and the product added to it, which saves a pass over y. */
    @Override
    public void forward() {
        float beta = 0;
        if (bias != null) {
            workers.run(rows, GRAIN, biasTask);
            beta = 1;
        }
        dnn.sgemm('N', 'T', rows, out, in, 1, x.data(), in, weight.value().data(), in, beta, y.data(), out);
    }

    private void layBias(int worker, int from, int to) {
        MemorySegment values = bias.value().data();
        MemorySegment result = y.data();
        for (int row = from; row < to; row++) {
            MemorySegment.copy(values, 0, result, (long) row * out * Float.BYTES, (long) out * Float.BYTES);
        }
    }

    @Override
    public void backward() {
        if (dx != null) {
            dnn.sgemm('N', 'N', rows, in, out, 1, dy.data(), out, weight.value().data(), in, 0, dx.data(), in);
        }
        dnn.sgemm('T', 'N', out, in, rows, 1, dy.data(), out, x.data(), in, weight.keep(), weight.gradient().data(), in);
        if (bias != null) {
            dbias.addRows(dy.data(), rows, bias.gradient().data());
        }
    }
}
