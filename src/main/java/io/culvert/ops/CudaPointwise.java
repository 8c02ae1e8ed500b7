package io.culvert.ops;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.tensor.Tensor;

/** One element at a time: {@code kernels/<name>.cu} with {@code <name>_forward_*} and {@code <name>_backward_*}. */
public final class CudaPointwise implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    /** @param saved what backward reads beside dy: x or y */
    public CudaPointwise(CudaContext cuda, String name, UnaryOp op, Tensor saved) {
        int n = Math.toIntExact(op.x().shape().count());
        int blocks = cuda.blocks(n, 4 * THREADS);
        String suffix = op.x().dtype().suffix;
        forward = cuda.launch(name, name + "_forward_" + suffix).grid(blocks).block(THREADS)
                .pointer(op.y().address()).pointer(op.x().address()).int32(n);
        backward = op.dx() == null ? null : cuda.launch(name, name + "_backward_" + suffix).grid(blocks).block(THREADS)
                .pointer(op.dx().address()).pointer(op.dy().address()).pointer(saved.address()).int32(n);
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        backward.run();
    }
}
