package io.culvert.ops.batchnorm;

import io.culvert.device.CudaDevice;
import io.culvert.device.CudaGroup;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.CudnnBatchNorm;
import io.culvert.device.cuda.CudnnBatchNorm.Role;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * cuDNN's graphs in the training of brain floats, see {@link BatchNormOp#asksForward}; each half that it has no engine for,
 * and all else, by {@code kernels/batchnorm.cu}: two launches for the statistics, one to normalise; two for the sums, one for
 * the gradient.
 */
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
    private final Runnable[] forward;
    private final Runnable[] backward;

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
        Optional<CudnnBatchNorm> gradient = op.asksBackward() && ranks == 1 ? offered(true, false) : Optional.empty();
        boolean keepsMask = op.mask != null && gradient.isPresent();
        Optional<CudnnBatchNorm> library = op.asksForward() && ranks == 1 ? offered(false, keepsMask) : Optional.empty();
        forward = library.map(this::forward).orElseGet(this::ownForward);
        // Without a mask the library cannot go back over a residual.
        backward = op.dy == null
                ? null
                : gradient.filter(graph -> op.mask == null || library.isPresent())
                        .map(this::backward)
                        .orElseGet(this::ownBackward);
    }

    private Runnable[] ownForward() {
        if (ranks > 1) {
            Runnable gather = () -> group.gather(all(), own(), momentBytes());
            return new Runnable[] {statistics()::run, ownMoments()::run, gather, merge()::run, normalise()::run};
        }
        return op.training
                ? new Runnable[] {statistics()::run, moments()::run, normalise()::run}
                : new Runnable[] {running()::run, normalise()::run};
    }

    private Runnable[] ownBackward() {
        if (ranks > 1) {
            // The mean of a rank's sums over its rows is the mean over the rows of all.
            Runnable average = () -> group.average(sums(), 2L * groups * channels);
            return new Runnable[] {reduce()::run, parameters()::run, average, spread()::run};
        }
        return new Runnable[] {reduce()::run, parameters()::run, spread()::run};
    }

    private Optional<CudnnBatchNorm> offered(boolean back, boolean keepsMask) {
        Shape x = op.x.shape();
        boolean maps = x.rank() == 4 && x.at(0) % groups == 0;
        return CudnnBatchNorm.planIfOffered(
                cuda,
                new CudnnBatchNorm.Form(
                        back, maps ? x.at(0) / groups : rows, maps ? x.at(1) : 1, maps ? x.at(2) : 1, channels,
                        op.x.dtype().element(), op.config.relu(), op.residual != null, keepsMask));
    }

    /** What each group keeps, to a whole number of the library's units. */
    private static long groupMaskBytes(BatchNormOp op) {
        long elements = op.x.shape().count() / op.config.groups();
        return (elements + CudnnBatchNorm.ALIGNMENT - 1) / CudnnBatchNorm.ALIGNMENT * CudnnBatchNorm.ALIGNMENT;
    }

    static int maskBytes(BatchNormOp op) {
        return Math.toIntExact(groupMaskBytes(op) * op.config.groups());
    }

    /** Where the tensors of one group lie that both halves need. */
    private Map<Role, Long> addresses(int group) {
        long map = (long) group * rows * channels * op.x.dtype().bytes;
        long statistics = (long) group * channels * Float.BYTES;
        Map<Role, Long> at = new EnumMap<>(Role.class);
        at.put(Role.X, op.x.address() + map);
        at.put(Role.MEAN, op.mean.address() + statistics);
        at.put(Role.INVSTD, op.invStd.address() + statistics);
        at.put(Role.WEIGHT, op.weight.value().address());
        at.put(Role.BIAS, op.bias.value().address());
        if (op.residual != null) {
            at.put(Role.RESIDUAL, op.residual.address() + map);
        }
        if (op.mask != null) {
            at.put(Role.MASK, op.mask.address() + group * groupMaskBytes(op));
        }
        return at;
    }

    private Runnable[] forward(CudnnBatchNorm library) {
        long workspace = cuda.workspace(library.workspaceBytes());
        List<Runnable> all = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            Map<Role, Long> at = addresses(group);
            at.put(Role.Y, op.y.address() + (long) group * rows * channels * op.y.dtype().bytes);
            all.add(library.bind(at, op.config.eps(), workspace));
        }
        all.add(move()::run);
        return all.toArray(Runnable[]::new);
    }

    /** The library overwrites the gradients of the parameters, which add up here. */
    private Runnable[] backward(CudnnBatchNorm library) {
        long offset = (library.workspaceBytes() + CudnnBatchNorm.ALIGNMENT - 1)
                / CudnnBatchNorm.ALIGNMENT * CudnnBatchNorm.ALIGNMENT;
        long workspace = cuda.workspace(offset + 2L * channels * Float.BYTES);
        long dweight = workspace + offset;
        long dbias = dweight + (long) channels * Float.BYTES;
        List<Runnable> all = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            long map = (long) group * rows * channels * op.x.dtype().bytes;
            Map<Role, Long> at = addresses(group);
            at.put(Role.DY, op.dy.getFirst().address() + map);
            at.put(Role.DX, op.dx.address() + map);
            at.put(Role.DWEIGHT, dweight);
            at.put(Role.DBIAS, dbias);
            if (op.residual != null) {
                at.put(Role.DZ, op.dresidual.address() + map);
            }
            all.add(library.bind(at, op.config.eps(), workspace));
            all.add(add(op.weight.gradient().address(), dweight)::run);
            all.add(add(op.bias.gradient().address(), dbias)::run);
        }
        return all.toArray(Runnable[]::new);
    }

    private CudaLaunch add(long to, long part) {
        return cuda.launch("elementwise", "add_f32").grid(cuda.blocks(channels, 4 * THREADS)).block(THREADS)
                .pointer(to).pointer(to).pointer(part).int32(channels);
    }

    private CudaLaunch move() {
        return cuda.launch("batchnorm", "batchnorm_move_f32").grid(cuda.blocks(channels, THREADS)).block(THREADS)
                .pointer(op.runningMean.address()).pointer(op.runningVar.address())
                .pointer(op.mean.address()).pointer(op.invStd.address())
                .int32(groups).int32(rows).int32(channels)
                .float32(op.config.eps()).float32(op.config.momentum());
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
                        .pointer(scratch).pointer(addressOf(op.dresidual))
                        .pointer(op.dy.getFirst().address()).pointer(second())
                        .pointer(op.x.address()).pointer(op.y.address()))
                .int32(op.residual == null ? 0 : 1);
    }

    private CudaLaunch parameters() {
        return overChannels("batchnorm_backward_parameters_f32")
                .pointer(op.weight.gradient().address()).pointer(op.bias.gradient().address())
                .pointer(sums()).pointer(scratch).pointer(op.invStd.address())
                .int32(groups).int32(parts).int32(channels);
    }

    /** With a residual the first pass has left the whole masked sum as its gradient. */
    private CudaLaunch spread() {
        return affine(overRows("batchnorm_backward_" + suffix)
                        .pointer(op.dx.address())
                        .pointer((op.residual == null ? op.dy.getFirst() : op.dresidual).address())
                        .pointer(op.residual == null ? second() : 0)
                        .pointer(op.x.address()).pointer(sums()))
                .int32(op.residual == null ? 0 : 1).int32(op.training ? 1 : 0);
    }

    @Override
    public void forward() {
        runAll(forward);
    }

    @Override
    public void backward() {
        runAll(backward);
    }

    private static void runAll(Runnable[] all) {
        for (Runnable one : all) {
            one.run();
        }
    }
}
