package io.culvert.ops.bce;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** One thread: a batch has few logits. */
final class CpuBceWithLogits implements OpKernel {
    private final BceWithLogitsOp op;
    private final int count;

    CpuBceWithLogits(BceWithLogitsOp op) {
        this.op = op;
        count = op.count();
    }

    @Override
    public void forward() {
        MemorySegment logits = op.logits.data();
        MemorySegment labels = op.labels.data();
        double sum = 0;
        for (int i = 0; i < count; i++) {
            double x = get(logits, i);
            double y = get(labels, i);
            sum += op.positiveWeight * y * softplus(-x) + (1 - y) * softplus(x);
        }
        set(op.loss().data(), 0, (float) (sum / count));
    }

    @Override
    public void backward() {
        if (op.dlogits == null) {
            return;
        }
        MemorySegment logits = op.logits.data();
        MemorySegment labels = op.labels.data();
        for (int i = 0; i < count; i++) {
            double x = get(logits, i);
            double y = get(labels, i);
            double dx = (1 - y) * sigmoid(x) - op.positiveWeight * y * sigmoid(-x);
            set(op.dlogits.data(), i, (float) (dx / count));
        }
    }

    private static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    private static double sigmoid(double x) {
        double e = Math.exp(-Math.abs(x));
        return (x < 0 ? e : 1) / (1 + e);
    }
}
