package io.culvert.ops.layernorm;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

final class CpuLayerNorm implements OpKernel {
    private final Workers workers;
    private final LayerNormOp op;
    private final int rows;
    private final int width;
    private final double[][] dweight;
    private final double[][] dbias;
    private final Workers.Range forwardTask = this::normalise;
    private final Workers.Range backwardTask = this::differentiate;

    CpuLayerNorm(CpuDevice cpu, LayerNormOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.x.shape().rows();
        width = op.x.shape().at(-1);
        dweight = new double[workers.threads()][width];
        dbias = new double[workers.threads()][width];
    }

    @Override
    public void forward() {
        workers.run(rows, 1, forwardTask);
    }

    private void normalise(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment weight = op.weight.value().data();
        MemorySegment bias = op.bias.value().data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            double sum = 0;
            for (int i = 0; i < width; i++) {
                sum += get(x, base + i);
            }
            double mean = sum / width;
            double squares = 0;
            for (int i = 0; i < width; i++) {
                double off = get(x, base + i) - mean;
                squares += off * off;
            }
            double inverse = 1 / Math.sqrt(squares / width + op.eps);
            for (int i = 0; i < width; i++) {
                double unit = (get(x, base + i) - mean) * inverse;
                set(op.y.data(), base + i, (float) (unit * get(weight, i) + get(bias, i)));
            }
            set(op.mean.data(), row, (float) mean);
            set(op.invStd.data(), row, (float) inverse);
        }
    }

    @Override
    public void backward() {
        for (int worker = 0; worker < dweight.length; worker++) {
            Arrays.fill(dweight[worker], 0);
            Arrays.fill(dbias[worker], 0);
        }
        workers.run(rows, 1, backwardTask);
        accumulate(dweight, op.weight.gradient().data());
        accumulate(dbias, op.bias.gradient().data());
    }

    private void accumulate(double[][] parts, MemorySegment gradient) {
        for (int i = 0; i < width; i++) {
            double sum = get(gradient, i);
            for (double[] part : parts) {
                sum += part[i];
            }
            set(gradient, i, (float) sum);
        }
    }

    /** With u the normalised row and g = weight dy: {@code dx = (g - mean(g) - u mean(g u)) / sqrt(var + eps)}. */
    private void differentiate(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment dy = op.dy.data();
        MemorySegment weight = op.weight.value().data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            double mean = get(op.mean.data(), row);
            double inverse = get(op.invStd.data(), row);
            double sum = 0;
            double along = 0;
            for (int i = 0; i < width; i++) {
                double unit = (get(x, base + i) - mean) * inverse;
                double g = (double) get(dy, base + i) * get(weight, i);
                sum += g;
                along += g * unit;
                dweight[worker][i] += get(dy, base + i) * unit;
                dbias[worker][i] += get(dy, base + i);
            }
            for (int i = 0; i < width; i++) {
                double unit = (get(x, base + i) - mean) * inverse;
                double g = (double) get(dy, base + i) * get(weight, i);
                set(op.dx.data(), base + i, (float) ((g - sum / width - unit * along / width) * inverse));
            }
        }
    }
}
