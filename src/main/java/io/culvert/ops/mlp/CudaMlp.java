package io.culvert.ops.mlp;

import io.culvert.device.cuda.CublasLt.Epilogue;
import io.culvert.device.cuda.CudaContext;
import io.culvert.ops.OpKernel;
import io.culvert.ops.gelu.CudaBiasGelu;
import io.culvert.ops.linear.CudaLinear;
import io.culvert.ops.linear.LinearWeight;
import io.culvert.tensor.DType;
import java.util.Optional;

/**
 * In brain floats cuBLASLt takes the GELU along, in both directions: its form with tanh differs from the exact one by less
 * than what values lose there, see docs/numerics.md. Else, and where the hidden width is no multiple of 8 or the library has
 * no algorithm, {@code kernels/gelu.cu} stands between the products, and the gradient of h becomes that of a in place.
 */
final class CudaMlp implements OpKernel {
    private final CudaLinear first;
    /** Null where the products do it. */
    private final CudaBiasGelu gelu;

    private final CudaLinear second;

    private CudaMlp(CudaLinear first, CudaBiasGelu gelu, CudaLinear second) {
        this.first = first;
        this.gelu = gelu;
        this.second = second;
    }

    static CudaMlp of(CudaContext cuda, MlpOp op) {
        LinearWeight in = LinearWeight.of(op.first.weight(), op.x.dtype());
        LinearWeight out = LinearWeight.of(op.second.weight(), op.x.dtype());
        if (op.x.dtype() == DType.BF16 && Epilogue.saves(op.first.width())) {
            Optional<CudaMlp> fused = CudaLinear.intoGelu(
                            cuda, op.x, in, op.first.bias(), op.h, op.dy == null ? null : op.a, op.da, op.dx)
                    .flatMap(first -> CudaLinear.outOfGelu(
                                    cuda, op.h, out, op.second.bias(), op.residual, op.y, op.dy, op.a, op.da)
                            .map(second -> new CudaMlp(first, null, second)));
            if (fused.isPresent()) {
                return fused.get();
            }
        }
        return new CudaMlp(
                new CudaLinear(cuda, op.x, in, null, null, op.a, op.da, op.dx),
                new CudaBiasGelu(cuda, op.a, op.first.bias(), op.h, op.da, op.da),
                new CudaLinear(cuda, op.h, out, op.second.bias(), op.residual, op.y, op.dy, op.da));
    }

    @Override
    public void forward() {
        first.forward();
        if (gelu != null) {
            gelu.forward();
        }
        second.forward();
    }

    @Override
    public void backward() {
        second.backward();
        if (gelu != null) {
            gelu.backward();
        }
        first.backward();
    }
}
