package io.culvert.ops.attention;

import io.culvert.CulvertException;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.CudaStream;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.DType;
import java.util.List;

/** {@code kernels/attention.cuh}, compiled for each width of a head. */
final class CudaAttention implements OpKernel {
    private static final List<Integer> HEAD_DIMS = List.of(16, 32, 64, 128);
    private static final int THREADS = 128;
    private static final int WARP = 32;
    private static final int WARPS = 8;

    private final CudaContext cuda;
    private final AttentionOp op;
    private final CudaLaunch forward;
    private final CudaLaunch[] backward;

    CudaAttention(CudaContext cuda, AttentionOp op) {
        this.cuda = cuda;
        this.op = op;
        int d = op.headDim();
        if (!HEAD_DIMS.contains(d)) {
            throw CulvertException.usage("%s: heads of width %d; the CUDA kernels take %s", op.name(), d, HEAD_DIMS);
        }
        int n = op.tokens();
        int heads = op.heads();
        String file = "attention_d" + d;
        String suffix = op.q.dtype().suffix + "_d" + d;
        boolean single = op.q.dtype() == DType.F32;
        int queries = single && d == 128 ? 32 : 64;
        forward = cuda.launch(file, "attention_forward_" + suffix).grid(tiles(n, queries), heads, 1).block(THREADS)
                .pointer(op.y.address()).pointer(op.logSum.address())
                .pointer(op.q.address()).pointer(op.k.address()).pointer(op.v.address())
                .int32(n).float32(op.scale);
        if (op.dy == null) {
            backward = null;
            return;
        }
        int rows = !single ? 64 : d == 128 ? 16 : 32;
        backward = new CudaLaunch[] {
            cuda.launch(file, "attention_delta_" + suffix)
                    .grid(cuda.blocks((long) heads * n, WARPS)).block(WARP, WARPS)
                    .pointer(op.delta.address()).pointer(op.dy.address()).pointer(op.y.address()).int32(heads * n),
            gradients(cuda.launch(file, "attention_backward_query_" + suffix).grid(tiles(n, rows), heads, 1)
                    .block(THREADS).pointer(op.dq.address()), op),
            gradients(cuda.launch(file, "attention_backward_key_" + suffix).grid(tiles(n, rows), heads, 1)
                    .block(THREADS).pointer(op.dk.address()).pointer(op.dv.address()), op)
        };
    }

    /** The softmax of one score is 1 whatever the score: dq and dk vanish exactly, which differences of sums would not. */
    private void backwardOfOneToken() {
        CudaStream stream = cuda.stream();
        stream.zero(op.dq.address(), op.dq.bytes());
        stream.zero(op.dk.address(), op.dk.bytes());
        stream.copy(op.dv.address(), op.dy.address(), op.dv.bytes());
    }

    private static int tiles(int n, int rows) {
        return (n + rows - 1) / rows;
    }

    private static CudaLaunch gradients(CudaLaunch launch, AttentionOp op) {
        return launch.pointer(op.dy.address()).pointer(op.q.address()).pointer(op.k.address()).pointer(op.v.address())
                .pointer(op.logSum.address()).pointer(op.delta.address()).int32(op.tokens()).float32(op.scale);
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        if (op.tokens() == 1) {
            backwardOfOneToken();
        } else {
            CudaLaunch.runAll(backward);
        }
    }
}
