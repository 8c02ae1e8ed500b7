package io.culvert.ops.ranks;

import io.culvert.device.CudaDevice;
import io.culvert.device.CudaGroup;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** View by view with NCCL; {@code kernels/ranks.cu} back. */
final class CudaGatherRows implements OpKernel {
    private static final int THREADS = 256;

    private final CudaGroup group;
    private final GatherRowsOp op;
    private final CudaLaunch backward;

    CudaGatherRows(CudaDevice device, GatherRowsOp op) {
        this.op = op;
        group = device.group();
        CudaContext cuda = device.context();
        int block = Math.toIntExact(op.blockBytes() / Float.BYTES);
        backward = op.dx == null
                ? null
                : cuda.launch("ranks", "gather_rows_backward_f32").grid(cuda.blocks((long) op.views * block, THREADS)).block(THREADS)
                        .pointer(op.dx.address()).pointer(op.dy.address())
                        .int32(op.views).int32(group.rank()).int32(op.ranks).int32(block);
    }

    @Override
    public void forward() {
        for (int view = 0; view < op.views; view++) {
            group.gather(op.y.address() + op.offset(view, 0), op.x.address() + view * op.blockBytes(), op.blockBytes());
        }
    }

    @Override
    public void backward() {
        if (backward != null) {
            backward.run();
        }
    }
}
