package io.culvert.ops.relu;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.NATIVE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

final class CpuRelu implements OpKernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dy;
    private final MemorySegment dx;
    private final int count;
    private final Workers.Range forwardTask = this::rectify;
    private final Workers.Range backwardTask = this::mask;

    CpuRelu(CpuDevice cpu, ReluOp op) {
        workers = cpu.workers();
        x = op.x().data();
        y = op.y().data();
        dy = op.dy() == null ? null : op.dy().data();
        dx = op.dx() == null ? null : op.dx().data();
        count = Math.toIntExact(op.x().shape().count());
    }

    @Override
    public void forward() {
        workers.run(count, GRAIN, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(count, GRAIN, backwardTask);
    }

    private void rectify(int worker, int from, int to) {
        int i = from;
        for (; i + Simd.LANES <= to; i += Simd.LANES) {
            FloatVector.fromMemorySegment(F, x, i * BYTES, NATIVE).max(0f).intoMemorySegment(y, i * BYTES, NATIVE);
        }
        for (; i < to; i++) {
            Simd.set(y, i, Math.max(0f, Simd.get(x, i)));
        }
    }

    private void mask(int worker, int from, int to) {
        int i = from;
        for (; i + Simd.LANES <= to; i += Simd.LANES) {
            FloatVector open = FloatVector.zero(F)
                    .blend(FloatVector.fromMemorySegment(F, dy, i * BYTES, NATIVE), FloatVector.fromMemorySegment(F, y, i * BYTES, NATIVE).compare(VectorOperators.GT, 0f));
            open.intoMemorySegment(dx, i * BYTES, NATIVE);
        }
        for (; i < to; i++) {
            Simd.set(dx, i, Simd.get(y, i) > 0 ? Simd.get(dy, i) : 0f);
        }
    }
}
