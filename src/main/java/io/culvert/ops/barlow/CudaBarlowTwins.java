package io.culvert.ops.barlow;

import static io.culvert.device.cuda.CublasLt.Operand.plain;
import static io.culvert.device.cuda.CublasLt.Operand.transposed;

import io.culvert.device.cuda.CublasLt;
import io.culvert.device.cuda.CublasLt.Product;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.CudaSum;
import io.culvert.ops.OpKernel;

/** Three matrix products by cuBLASLt; {@code kernels/barlow.cu} in between. */
final class CudaBarlowTwins implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMNS = 32;

    private final CudaLaunch normalise;
    private final CublasLt.Matmul correlate;
    private final CudaLaunch rows;
    private final CudaLaunch sum;
    private final CublasLt.Matmul[] products = new CublasLt.Matmul[2];
    private final CudaLaunch gradient;

    CudaBarlowTwins(CudaContext cuda, BarlowTwinsOp op) {
        CublasLt blas = cuda.blas();
        int batch = op.batch();
        int width = op.width();
        int tiles = (width + COLUMNS - 1) / COLUMNS;
        long half = (long) batch * width * Float.BYTES;
        long first = op.unit.address();
        long second = first + half;
        long c = op.c.address();
        normalise = cuda.launch("barlow", "barlow_normalise_f32").grid(tiles).block(THREADS)
                .pointer(first).pointer(op.statistics.address()).pointer(op.z.address())
                .int32(batch).int32(width).float32(op.config.eps());
        correlate = blas.plan(new Product(
                width, width, batch, 1f / batch, transposed(first, width), plain(second, width), 0, plain(c, width)));
        rows = cuda.launch("barlow", "barlow_rows_f32").teams(cuda, width, width)
                .pointer(op.rowLoss.address()).pointer(c).pointer(op.statistics.address())
                .int32(width).float32(op.config.lambda());
        sum = CudaSum.of(cuda, op.loss().address(), op.rowLoss.address(), width, op.config.scale());
        if (op.dz == null) {
            gradient = null;
            return;
        }
        double slope = 2 * op.config.scale() / batch;
        float share = (float) (slope * op.config.lambda());
        long dfirst = op.dunit.address();
        products[0] = blas.plan(new Product(
                batch, width, width, share, plain(second, width), transposed(c, width), 0, plain(dfirst, width)));
        products[1] = blas.plan(new Product(
                batch, width, width, share, plain(first, width), plain(c, width), 0, plain(dfirst + half, width)));
        gradient = cuda.launch("barlow", "barlow_backward_f32").grid(tiles).block(THREADS)
                .pointer(op.dz.address()).pointer(dfirst).pointer(op.z.address()).pointer(op.statistics.address())
                .int32(batch).int32(width).float32(slope);
    }

    @Override
    public void forward() {
        normalise.run();
        correlate.run();
        rows.run();
        sum.run();
    }

    @Override
    public void backward() {
        for (CublasLt.Matmul product : products) {
            product.run();
        }
        gradient.run();
    }
}
