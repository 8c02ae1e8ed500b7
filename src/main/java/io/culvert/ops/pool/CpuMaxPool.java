package io.culvert.ops.pool;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Max pooling along channels: a vector of outputs walks its windows, remembering which position won as one byte. */
final class CpuMaxPool implements OpKernel {
    /** As many bytes as there are float lanes. */
    private static final VectorSpecies<Byte> WINNERS =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(LANES * Byte.SIZE));

    private final Workers workers;
    private final MaxPoolOp op;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment winner;
    private final MemorySegment dy;
    private final MemorySegment dx;
    private final int images;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final Workers.Range forwardTask = this::pool;
    private final Workers.Range backwardTask = this::scatter;

    CpuMaxPool(CpuDevice cpu, MaxPoolOp op) {
        this.op = op;
        workers = cpu.workers();
        x = op.x.data();
        y = op.y.data();
        winner = op.winner.data();
        dy = op.dy == null ? null : op.dy.data();
        dx = op.dx == null ? null : op.dx.data();
        images = op.x.shape().at(0);
        height = op.x.shape().at(1);
        width = op.x.shape().at(2);
        channels = op.x.shape().at(3);
        outHeight = op.y.shape().at(1);
        outWidth = op.y.shape().at(2);
    }

    @Override
    public void forward() {
        workers.run(images * outHeight, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(images, 1, backwardTask);
    }

    private void pool(int worker, int from, int to) {
        for (int line = from; line < to; line++) {
            int n = line / outHeight;
            int top = line % outHeight * op.stride - op.padding;
            for (int ow = 0; ow < outWidth; ow++) {
                int left = ow * op.stride - op.padding;
                long out = ((long) line * outWidth + ow) * channels;
                int c = 0;
                for (; c + LANES <= channels; c += LANES) {
                    poolVector(n, top, left, c, out + c);
                }
                for (; c < channels; c++) {
                    poolOne(n, top, left, c, out + c);
                }
            }
        }
    }

    private void poolVector(int n, int top, int left, int c, long out) {
        FloatVector best = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        FloatVector position = FloatVector.zero(F);
        for (int i = Math.max(0, -top); i < op.kernel && top + i < height; i++) {
            for (int j = Math.max(0, -left); j < op.kernel && left + j < width; j++) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, (at(n, top + i, left + j) + c) * BYTES, NATIVE);
                VectorMask<Float> wins = v.compare(VectorOperators.GT, best);
                best = best.blend(v, wins);
                position = position.blend((float) (i * op.kernel + j), wins);
            }
        }
        best.intoMemorySegment(y, out * BYTES, NATIVE);
        ByteVector bytes = (ByteVector) position.convertShape(VectorOperators.F2B, WINNERS, 0);
        bytes.intoMemorySegment(winner, out, ByteOrder.nativeOrder());
    }

    private void poolOne(int n, int top, int left, int c, long out) {
        float best = Float.NEGATIVE_INFINITY;
        // Where all are NaNs none wins, and the gradient must not leave the map.
        int position = Math.max(0, -top) * op.kernel + Math.max(0, -left);
        for (int i = Math.max(0, -top); i < op.kernel && top + i < height; i++) {
            for (int j = Math.max(0, -left); j < op.kernel && left + j < width; j++) {
                float v = Simd.get(x, at(n, top + i, left + j) + c);
                if (v > best) {
                    best = v;
                    position = i * op.kernel + j;
                }
            }
        }
        Simd.set(y, out, best);
        winner.set(ValueLayout.JAVA_BYTE, out, (byte) position);
    }

    private long at(int n, int h, int w) {
        return (((long) n * height + h) * width + w) * channels;
    }

    /** Windows overlap, so gradients add up; one thread owns an image. */
    private void scatter(int worker, int from, int to) {
        long imageBytes = (long) height * width * channels * Float.BYTES;
        dx.asSlice(from * imageBytes, (to - from) * imageBytes).fill((byte) 0);
        for (int line = from * outHeight; line < to * outHeight; line++) {
            int n = line / outHeight;
            int top = line % outHeight * op.stride - op.padding;
            for (int ow = 0; ow < outWidth; ow++) {
                int left = ow * op.stride - op.padding;
                long out = ((long) line * outWidth + ow) * channels;
                int c = 0;
                for (; c + LANES <= channels; c += LANES) {
                    scatterVector(n, top, left, c, out + c);
                }
                for (; c < channels; c++) {
                    int position = winner.get(ValueLayout.JAVA_BYTE, out + c);
                    long to1 = at(n, top + position / op.kernel, left + position % op.kernel) + c;
                    Simd.set(dx, to1, Simd.get(dx, to1) + Simd.get(dy, out + c));
                }
            }
        }
    }

    private void scatterVector(int n, int top, int left, int c, long out) {
        FloatVector gradient = FloatVector.fromMemorySegment(F, dy, out * BYTES, NATIVE);
        FloatVector position = (FloatVector) ByteVector.fromMemorySegment(
                        WINNERS, winner, out, ByteOrder.nativeOrder())
                .convertShape(VectorOperators.B2F, F, 0);
        FloatVector zero = FloatVector.zero(F);
        for (int i = Math.max(0, -top); i < op.kernel && top + i < height; i++) {
            for (int j = Math.max(0, -left); j < op.kernel && left + j < width; j++) {
                VectorMask<Float> wins = position.compare(VectorOperators.EQ, (float) (i * op.kernel + j));
                long at = at(n, top + i, left + j) + c;
                FloatVector sum = FloatVector.fromMemorySegment(F, dx, at * BYTES, NATIVE).add(zero.blend(gradient, wins));
                sum.intoMemorySegment(dx, at * BYTES, NATIVE);
            }
        }
    }
}
