package io.culvert.ops.pool;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.NATIVE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

final class CpuGlobalAvgPool implements OpKernel {
    private final Workers workers;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dy;
    private final MemorySegment dx;
    private final int images;
    private final int pixels;
    private final int channels;
    private final Workers.Range forwardTask = this::average;
    private final Workers.Range backwardTask = this::spread;

    CpuGlobalAvgPool(CpuDevice cpu, GlobalAvgPoolOp op) {
        workers = cpu.workers();
        x = op.x().data();
        y = op.y().data();
        dy = op.dy() == null ? null : op.dy().data();
        dx = op.dx() == null ? null : op.dx().data();
        images = op.x().shape().at(0);
        pixels = op.x().shape().at(1) * op.x().shape().at(2);
        channels = op.x().shape().at(3);
    }

    @Override
    public void forward() {
        workers.run(images, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(images, 1, backwardTask);
    }

    private void average(int worker, int from, int to) {
        float scale = 1f / pixels;
        for (int n = from; n < to; n++) {
            long image = (long) n * pixels * channels;
            int c = 0;
            for (; c + Simd.LANES <= channels; c += Simd.LANES) {
                FloatVector sum = FloatVector.zero(F);
                for (int p = 0; p < pixels; p++) {
                    sum = sum.add(FloatVector.fromMemorySegment(F, x, (image + (long) p * channels + c) * BYTES, NATIVE));
                }
                sum.mul(scale).intoMemorySegment(y, ((long) n * channels + c) * BYTES, NATIVE);
            }
            for (; c < channels; c++) {
                double sum = 0;
                for (int p = 0; p < pixels; p++) {
                    sum += Simd.get(x, image + (long) p * channels + c);
                }
                Simd.set(y, (long) n * channels + c, (float) (sum / pixels));
            }
        }
    }

    private void spread(int worker, int from, int to) {
        float scale = 1f / pixels;
        for (int n = from; n < to; n++) {
            long image = (long) n * pixels * channels;
            for (int p = 0; p < pixels; p++) {
                int c = 0;
                for (; c + Simd.LANES <= channels; c += Simd.LANES) {
                    FloatVector d = FloatVector.fromMemorySegment(F, dy, ((long) n * channels + c) * BYTES, NATIVE);
                    d.mul(scale).intoMemorySegment(dx, (image + (long) p * channels + c) * BYTES, NATIVE);
                }
                for (; c < channels; c++) {
                    Simd.set(dx, image + (long) p * channels + c, Simd.get(dy, (long) n * channels + c) * scale);
                }
            }
        }
    }
}
