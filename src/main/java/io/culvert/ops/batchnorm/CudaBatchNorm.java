package io.culvert.ops.batchnorm;

import io.culvert.device.CudaDevice;
import io.culvert.device.CudaGroup;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;

/** {@code kernels/batchnorm.cu}: two launches for the statistics, one to normalise; two for the sums, one for the gradient. */
final class CudaBatchNorm implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int CHANNELS = 32;
    private static final int ROWS_A_BLOCK = 64;

    private final CudaContext cuda;
    private final CudaGroup group;
    private final BatchNormOp op;
    private final String suffix;
    private final int columnsABlock;
    private final int groups;
    private final int rows;
    private final int channels;
    private final int parts;
    private final long scratch;
    private final int ranks;
    private final CudaLaunch[] statistics;
    private final CudaLaunch[] forward;
    private final CudaLaunch[] backward;
    private final CudaLaunch[] spread;

    CudaBatchNorm(CudaDevice device, BatchNormOp op) {
        cuda = device.context();
        group = device.group();
        ranks = op.training ? group.size() : 1;
        this.op = op;
        suffix = op.x.dtype().suffix;
        columnsABlock = COLUMN_BYTES / op.x.dtype().bytes;
        groups = op.config.groups();
        rows = op.x.shape().rows() / groups;
        channels = op.x.shape().at(-1);
        parts = Math.max(1, cuda.blocks(rows, ROWS_A_BLOCK) / columns());
        long sums = 2L * groups * channels;
        scratch = cuda.workspace(sums * parts * Double.BYTES + sums * Float.BYTES
                + (ranks > 1 ? (1 + ranks) * sums * Double.BYTES : 0));
        if (ranks > 1) {
            statistics = new CudaLaunch[] {statistics(), ownMoments()};
            forward = new CudaLaunch[] {merge(), normalise()};
        } else {
            statistics = new CudaLaunch[0];
            forward = op.training
                    ? new CudaLaunch[] {statistics(), moments(), normalise()}
                    : new CudaLaunch[] {running(), normalise()};
        }
        backward = op.dy == null ? null : new CudaLaunch[] {reduce(), parameters()};
        spread = op.dy == null ? null : new CudaLaunch[] {spread()};
    }

    private int columns() {
        return (channels + columnsABlock - 1) / columnsABlock;
    }

    private CudaLaunch overRows(String kernel) {
        return cuda.launch("batchnorm", kernel).grid(columns(), parts, groups).block(THREADS);
    }

    private CudaLaunch overChannels(String kernel) {
        return cuda.launch("batchnorm", kernel).grid((channels + CHANNELS - 1) / CHANNELS).block(THREADS);
    }

    private static long addressOf(Tensor tensor) {
        return tensor == null ? 0 : tensor.address();
    }

    private CudaLaunch statistics() {
        return overRows("batchnorm_statistics_" + suffix)
                .pointer(scratch).pointer(op.x.address()).int32(rows).int32(channels);
    }

    private CudaLaunch moments() {
        return overChannels("batchnorm_moments_" + suffix)
                .pointer(op.mean.address()).pointer(op.invStd.address())
                .pointer(op.runningMean.address()).pointer(op.runningVar.address())
                .pointer(scratch).pointer(op.x.address())
                .int32(groups).int32(parts).int32(rows).int32(channels)
                .float32(op.config.eps()).float32(op.config.momentum());
    }

    private CudaLaunch ownMoments() {
        return overChannels("batchnorm_own_moments_" + suffix)
                .pointer(own()).pointer(scratch).pointer(op.x.address())
                .int32(groups).int32(parts).int32(rows).int32(channels);
    }

    private CudaLaunch merge() {
        return cuda.launch("batchnorm", "batchnorm_merge_f32").grid(cuda.blocks(channels, THREADS)).block(THREADS)
                .pointer(op.mean.address()).pointer(op.invStd.address())
                .pointer(op.runningMean.address()).pointer(op.runningVar.address())
                .pointer(all()).int32(ranks).int32(groups).int32(rows).int32(channels)
                .float32(op.config.eps()).float32(op.config.momentum());
    }

    /** Bytes of the moments of one rank. */
    private long momentBytes() {
        return 2L * groups * channels * Double.BYTES;
    }

    private long own() {
        return (sums() + 2L * groups * channels * Float.BYTES + Double.BYTES - 1) / Double.BYTES * Double.BYTES;
    }

    private long all() {
        return own() + momentBytes();
    }

    private CudaLaunch running() {
        return cuda.launch("batchnorm", "batchnorm_running_f32").grid(cuda.blocks(channels, THREADS)).block(THREADS)
                .pointer(op.mean.address()).pointer(op.invStd.address())
                .pointer(op.runningMean.address()).pointer(op.runningVar.address())
                .int32(groups).int32(channels).float32(op.config.eps());
    }

    private CudaLaunch affine(CudaLaunch launch) {
        return launch.pointer(op.mean.address()).pointer(op.invStd.address())
                .pointer(op.weight.value().address()).pointer(op.bias.value().address())
                .int32(rows).int32(channels).int32(op.config.relu() ? 1 : 0);
    }

    private CudaLaunch normalise() {
        return affine(overRows("batchnorm_forward_" + suffix)
                .pointer(op.y.address()).pointer(op.x.address()).pointer(addressOf(op.residual)));
    }

    private long second() {
        return op.dy.size() > 1 ? op.dy.getLast().address() : 0;
    }

    private long sums() {
        return scratch + 2L * groups * channels * parts * Double.BYTES;
    }

    private CudaLaunch reduce() {
        return affine(overRows("batchnorm_backward_reduce_" + suffix)
                        .pointer(scratch).pointer(op.dy.getFirst().address()).pointer(second())
                        .pointer(op.x.address()).pointer(op.y.address()))
                .int32(op.residual == null ? 0 : 1);
    }

    private CudaLaunch parameters() {
        return overChannels("batchnorm_backward_parameters_f32")
                .pointer(op.weight.gradient().address()).pointer(op.bias.gradient().address())
                .pointer(sums()).pointer(scratch).pointer(op.invStd.address())
                .int32(groups).int32(parts).int32(channels);
    }

    /** With a residual the first pass has left the whole masked sum in dy. */
    private CudaLaunch spread() {
        return affine(overRows("batchnorm_backward_" + suffix)
                        .pointer(op.dx.address()).pointer(op.dy.getFirst().address())
                        .pointer(op.residual == null ? second() : 0)
                        .pointer(op.x.address()).pointer(sums()))
                .int32(op.residual == null ? 0 : 1).int32(op.training ? 1 : 0);
    }

    @Override
    public void forward() {
        if (ranks > 1) {
            CudaLaunch.runAll(statistics);
            group.gather(all(), own(), momentBytes());
        }
        CudaLaunch.runAll(forward);
    }

    @Override
    public void backward() {
        CudaLaunch.runAll(backward);
        if (ranks > 1) {
            // The mean of a rank's sums over its rows is the mean over the rows of all.
            group.average(sums(), 2L * groups * channels);
        }
        CudaLaunch.runAll(spread);
    }
}
