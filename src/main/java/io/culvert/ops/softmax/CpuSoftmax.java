package io.culvert.ops.softmax;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

final class CpuSoftmax implements OpKernel {
    private final Workers workers;
    private final SoftmaxOp op;
    private final int rows;
    private final int width;
    private final float[][] lanes;
    private final float[][] exponentials;
    private final Workers.Range forwardTask = this::exponentiate;
    private final Workers.Range backwardTask = this::differentiate;

    CpuSoftmax(CpuDevice cpu, SoftmaxOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.x().shape().rows();
        width = op.x().shape().at(-1);
        lanes = new float[workers.threads()][LANES];
        exponentials = new float[workers.threads()][Simd.bound(width + LANES - 1)];
    }

    @Override
    public void forward() {
        workers.run(rows, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(rows, 1, backwardTask);
    }

    private void exponentiate(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            exponentiate(op.x().data(), op.y().data(), (long) row * width, lanes[worker], exponentials[worker]);
        }
    }

    private void exponentiate(MemorySegment x, MemorySegment y, long base, float[] scratch, float[] row) {
        float max = max(x, base, scratch);
        for (int i = 0; i < width; i++) {
            row[i] = get(x, base + i) - max;
        }
        SimdMath.exp(row, 0, width, 1, 0);
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += row[i];
        }
        float inverse = (float) (1 / sum);
        for (int i = 0; i < width; i++) {
            set(y, base + i, row[i] * inverse);
        }
    }

    private float max(MemorySegment x, long base, float[] scratch) {
        FloatVector greatest = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            greatest = greatest.max(FloatVector.fromMemorySegment(F, x, (base + i) * BYTES, NATIVE));
        }
        greatest.intoArray(scratch, 0);
        float max = scratch[0];
        for (float lane : scratch) {
            max = Math.max(max, lane);
        }
        for (; i < width; i++) {
            max = Math.max(max, get(x, base + i));
        }
        return max;
    }

    private void differentiate(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            differentiate(op.y().data(), op.dy().data(), op.dx().data(), (long) row * width, lanes[worker]);
        }
    }

    /** {@code dx = y (dy - y . dy)}. */
    private void differentiate(MemorySegment y, MemorySegment dy, MemorySegment dx, long base, float[] scratch) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(F, y, (base + i) * BYTES, NATIVE);
            sums = p.fma(FloatVector.fromMemorySegment(F, dy, (base + i) * BYTES, NATIVE), sums);
        }
        double sum = Simd.sum(sums, scratch);
        for (; i < width; i++) {
            sum += (double) get(y, base + i) * get(dy, base + i);
        }
        float along = (float) sum;
        i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(F, y, (base + i) * BYTES, NATIVE);
            FloatVector across = FloatVector.fromMemorySegment(F, dy, (base + i) * BYTES, NATIVE).sub(along);
            across.mul(p).intoMemorySegment(dx, (base + i) * BYTES, NATIVE);
        }
        for (; i < width; i++) {
            set(dx, base + i, get(y, base + i) * (get(dy, base + i) - along));
        }
    }
}
