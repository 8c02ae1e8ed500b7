package io.culvert.ops.add;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;
import java.util.List;

/** {@code kernels/elementwise.cu}: the first part takes the others in, one launch each. */
final class CudaAddGradients implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch[] launches;

    CudaAddGradients(CudaContext cuda, AddGradientsOp op) {
        List<Tensor> parts = op.parts;
        Tensor sum = parts.getFirst();
        int n = Math.toIntExact(sum.shape().count());
        launches = parts.stream().skip(1).map(part -> cuda.launch("elementwise", "add_" + sum.dtype().suffix)
                        .grid(cuda.blocks(n, 4 * THREADS)).block(THREADS)
                        .pointer(sum.address()).pointer(sum.address()).pointer(part.address()).int32(n))
                .toArray(CudaLaunch[]::new);
    }

    @Override
    public void forward() {}

    @Override
    public void backward() {
        CudaLaunch.runAll(launches);
    }
}
