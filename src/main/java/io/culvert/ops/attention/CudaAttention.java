package io.culvert.ops.attention;

import io.culvert.CulvertException;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.DType;
import java.util.List;

/** {@code kernels/attention.cuh}, compiled for each width of a head. */
final class CudaAttention implements OpKernel {
    private static final List<Integer> HEAD_DIMS = List.of(16, 32, 64, 128);
    private static final int THREADS = 128;
    private static final int WARP = 32;
    private static final int WARPS = 8;

    private final CudaLaunch forward;
    private final CudaLaunch[] backward;

    CudaAttention(CudaContext cuda, AttentionOp op) {
        int d = op.headDim;
        if (!HEAD_DIMS.contains(d)) {
            throw CulvertException.usage("%s: heads of width %d; the CUDA kernels take %s", op.name(), d, HEAD_DIMS);
        }
        int n = op.tokens;
        int heads = op.images * op.heads;
        String file = "attention_d" + d;
        String suffix = op.q.dtype().suffix + "_d" + d;
        boolean single = op.q.dtype() == DType.F32;
        int queries = single && d == 128 ? 32 : 64;
        forward = strides(
                parts(cuda.launch(file, "attention_forward_" + suffix).grid(tiles(n, queries), heads, 1).block(THREADS)
                        .pointer(op.y.address()).pointer(op.logSum.address()), op).int32(n),
                op);
        if (op.dy == null) {
            backward = null;
            return;
        }
        int rows = !single ? 64 : d == 128 ? 16 : 32;
        AttentionOp.Strides out = op.out;
        backward = new CudaLaunch[] {
            cuda.launch(file, "attention_delta_" + suffix)
                    .grid(cuda.blocks((long) heads * n, WARPS)).block(WARP, WARPS)
                    .pointer(op.delta.address()).pointer(op.dy.address()).pointer(op.y.address()).int32(heads * n)
                    .int32(n).int32(op.heads).int32(out.image()).int32(out.head()).int32(out.token()),
            gradients(cuda.launch(file, "attention_backward_query_" + suffix).grid(tiles(n, rows), heads, 1)
                    .block(THREADS).pointer(op.address(op.dq, 0)), op),
            gradients(cuda.launch(file, "attention_backward_key_" + suffix).grid(tiles(n, rows), heads, 1)
                    .block(THREADS).pointer(op.address(op.dk, 1)).pointer(op.address(op.dv, 2)), op)
        };
    }

    private static int tiles(int n, int rows) {
        return (n + rows - 1) / rows;
    }

    private static CudaLaunch parts(CudaLaunch launch, AttentionOp op) {
        return launch.pointer(op.address(op.q, 0)).pointer(op.address(op.k, 1)).pointer(op.address(op.v, 2));
    }

    private static CudaLaunch gradients(CudaLaunch launch, AttentionOp op) {
        return strides(
                parts(launch.pointer(op.dy.address()), op)
                        .pointer(op.logSum.address()).pointer(op.delta.address()).int32(op.tokens),
                op);
    }

    private static CudaLaunch strides(CudaLaunch launch, AttentionOp op) {
        return launch.int32(op.heads).int32(op.in.image()).int32(op.in.head()).int32(op.in.token())
                .int32(op.out.image()).int32(op.out.head()).int32(op.out.token()).float32(op.scale);
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        CudaLaunch.runAll(backward);
    }
}
