package io.culvert.ops.ntxent;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.ops.l2normalize.CudaUnitRows;
import io.culvert.tensor.DType;

/** {@code kernels/ntxent.cu}: the matrix of similarities exists in tiles of shared memory only. */
final class CudaNtXent implements OpKernel {
    private static final int THREADS = 256;
    private static final int TILE_ROWS = 32;
    private static final int TILE_COLUMNS = 128;
    private static final int SPLIT_FLOATS = 3;

    private final CudaLaunch[] forward;
    private final CudaLaunch[] backward;

    CudaNtXent(CudaContext cuda, NtXentOp op) {
        int rows = op.z.shape().at(0);
        int width = op.z.shape().at(1);
        int rowTiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
        int splits = Math.max(1, cuda.blocks(rows, TILE_COLUMNS) / rowTiles);
        long scratch = cuda.workspace((long) splits * rows * SPLIT_FLOATS * Float.BYTES);
        double scale = 1 / op.temperature;
        long rowBytes = (long) rows * Float.BYTES;
        long rowLoss = op.saved.address();
        long logSum = rowLoss + rowBytes;
        long pairGradient = logSum + rowBytes;
        forward = new CudaLaunch[] {
            CudaUnitRows.forward(cuda, DType.F32, op.unit.address(), op.z.address(), rows, width),
            cuda.launch("ntxent", "ntxent_forward_f32").grid(rowTiles, splits, 1).block(THREADS)
                    .pointer(scratch).pointer(op.unit.address()).int32(rows).int32(width).float32(scale),
            cuda.launch("ntxent", "ntxent_rows_f32").grid(cuda.blocks(rows, THREADS)).block(THREADS)
                    .pointer(rowLoss).pointer(logSum).pointer(pairGradient).pointer(scratch).int32(splits).int32(rows),
            cuda.launch("ntxent", "ntxent_mean_f32").grid(1).block(THREADS)
                    .pointer(op.loss.address()).pointer(rowLoss).int32(rows)
        };
        backward = op.dz == null ? null : new CudaLaunch[] {
            cuda.launch("ntxent", "ntxent_backward_f32")
                    .grid(rowTiles, (width + TILE_COLUMNS - 1) / TILE_COLUMNS, 1).block(THREADS)
                    .pointer(op.dunit.address()).pointer(op.unit.address()).pointer(logSum).pointer(pairGradient)
                    .int32(rows).int32(width).float32(scale),
            CudaUnitRows.backward(
                    cuda, DType.F32, op.dz.address(), op.dunit.address(), op.z.address(), op.unit.address(), rows, width)
        };
    }

    @Override
    public void forward() {
        CudaLaunch.runAll(forward);
    }

    @Override
    public void backward() {
        CudaLaunch.runAll(backward);
    }
}
