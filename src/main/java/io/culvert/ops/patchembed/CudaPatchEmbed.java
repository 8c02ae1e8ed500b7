package io.culvert.ops.patchembed;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.ops.linear.CudaLinear;
import io.culvert.ops.linear.LinearWeight;
import io.culvert.tensor.Tensor;

/** {@code kernels/patchembed.cu} lays patches out as rows, then it is a linear layer. */
final class CudaPatchEmbed implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch gather;
    private final CudaLinear linear;
    private final CudaLaunch scatter;

    CudaPatchEmbed(CudaContext cuda, PatchEmbedOp op) {
        gather = launch(cuda, "patch_gather_", op.rows, op.x, op);
        linear = new CudaLinear(cuda, op.rows, LinearWeight.of(op.weight, op.rows.dtype()), op.bias, null, op.y, op.dy, op.drows);
        scatter = op.dx == null ? null : launch(cuda, "patch_scatter_", op.dx, op.drows, op);
    }

    private static CudaLaunch launch(CudaContext cuda, String kernel, Tensor to, Tensor from, PatchEmbedOp op) {
        return cuda.launch("patchembed", kernel + op.x.dtype().suffix)
                .grid(cuda.blocks(to.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(from.address()).int32(op.x.shape().at(0)).int32(op.x.shape().at(1))
                .int32(op.x.shape().at(2)).int32(op.x.shape().at(3)).int32(op.patch);
    }

    @Override
    public void forward() {
        gather.run();
        linear.forward();
    }

    @Override
    public void backward() {
        linear.backward();
        if (scatter != null) {
            scatter.run();
        }
    }
}
