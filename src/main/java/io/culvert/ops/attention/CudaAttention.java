package io.culvert.ops.attention;

import io.culvert.CulvertException;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
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
        int d = op.headDim();
        if (!HEAD_DIMS.contains(d)) {
            throw CulvertException.usage("%s: heads of width %d; the CUDA kernels take %s", op.name(), d, HEAD_DIMS);
        }
        int n = op.tokens();
        int heads = op.heads();
        String file = "attention_d" + d;
        int queries = d == 128 ? 32 : 64;
        forward = cuda.launch(file, "attention_forward_f32_d" + d).grid(tiles(n, queries), heads, 1).block(THREADS)
                .pointer(op.y.address()).pointer(op.logSum.address())
                .pointer(op.q.address()).pointer(op.k.address()).pointer(op.v.address())
                .int32(n).float32(op.scale);
        if (op.dy == null) {
            backward = null;
            return;
        }
        if (n == 1) {
            backward = ofOneToken(cuda, op);
            return;
        }
        int rows = d == 128 ? 16 : 32;
        backward = new CudaLaunch[] {
            cuda.launch(file, "attention_delta_f32_d" + d)
                    .grid(cuda.blocks((long) heads * n, WARPS)).block(WARP, WARPS)
                    .pointer(op.delta.address()).pointer(op.dy.address()).pointer(op.y.address()).int32(heads * n),
            gradients(cuda.launch(file, "attention_backward_query_f32_d" + d).grid(tiles(n, rows), heads, 1)
                    .block(THREADS).pointer(op.dq.address()), op),
            gradients(cuda.launch(file, "attention_backward_key_f32_d" + d).grid(tiles(n, rows), heads, 1)
                    .block(THREADS).pointer(op.dk.address()).pointer(op.dv.address()), op)
        };
    }

    /** The softmax of one score is 1 whatever the score: dq and dk vanish exactly, which differences of sums would not. */
    private static CudaLaunch[] ofOneToken(CudaContext cuda, AttentionOp op) {
        int count = Math.toIntExact(op.q.shape().count());
        return new CudaLaunch[] {
            cuda.launch("elementwise", "fill_f32").grid(cuda.blocks(count, 4 * THREADS)).block(THREADS)
                    .pointer(op.dq.address()).float32(0).int32(count),
            cuda.launch("elementwise", "fill_f32").grid(cuda.blocks(count, 4 * THREADS)).block(THREADS)
                    .pointer(op.dk.address()).float32(0).int32(count),
            cuda.launch("elementwise", "scale_f32").grid(cuda.blocks(count, 4 * THREADS)).block(THREADS)
                    .pointer(op.dv.address()).pointer(op.dy.address()).int32(count).float32(1)
        };
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
        CudaLaunch.runAll(backward);
    }
}
