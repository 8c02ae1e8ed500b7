package io.culvert.ops.barlow;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.LossOp;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The redundancy reduction of Barlow Twins (Zbontar et al. 2021, equations 1 and 2):
 *
 * <pre>C = u1^T u2 / B,  loss = scale (sum over i of (C_ii - 1)^2 + lambda sum over i != j of C_ij^2)</pre>
 *
 * <p>with u each view of z normalised column by column, {@code (z - mean) / sqrt(var + eps)}, the biased variance, as the
 * authors' code does by a batch normalisation without affine. z: {@code [2B, D]}; rows i and i + B are the two views of one
 * image. loss: {@code [1]}. The diagonal is kept apart, in double precision: near its optimum C_ii - 1 is a difference of near
 * numbers. Saves u, the off-diagonal of C {@code [D, D]} and five numbers a column.
 */
public final class BarlowTwinsOp extends LossOp {
    /** Of a column: mean and 1 / sqrt(var + eps) of either view, and C_ii - 1. */
    static final int STATISTICS = 5;

    /**
     * @param lambda weight of the off-diagonal
     * @param scale of the whole loss: 1 in the paper, 0.024 in the study
     * @param eps added to the variance
     */
    public record Config(double lambda, double scale, double eps) {}

    final Tensor z;
    final Config config;
    final Tensor unit;
    final Tensor c;
    Tensor statistics;
    Tensor rowLoss;
    Tensor dunit;
    Tensor dz;

    private BarlowTwinsOp(String name, Tape tape, Tensor z, Config config) {
        super(name, tape);
        this.z = z;
        this.config = config;
        unit = Tensor.f32(name + ".unit", 2 * batch(), width());
        c = Tensor.f32(name + ".c", width(), width());
        tape.record(this);
    }

    /** Records the loss and returns its scalar. */
    public static Tensor record(Tape tape, String name, Tensor z, Config config) {
        requireF32(name, z);
        if (z.shape().rank() != 2 || z.shape().at(0) % 2 != 0) {
            throw new IllegalArgumentException(name + ": needs [2B, D], got " + z);
        }
        if (!(config.eps > 0)) {
            throw new IllegalArgumentException(name + ": eps must be positive, got " + config.eps);
        }
        return new BarlowTwinsOp(name, tape, z, config).loss();
    }

    /** Images: rows of one view. */
    int batch() {
        return z.shape().at(0) / 2;
    }

    int width() {
        return z.shape().at(1);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(z);
    }

    @Override
    public List<Tensor> outputs() {
        return statistics == null ? List.of(loss(), unit, c) : List.of(loss(), unit, c, statistics, rowLoss);
    }

    /** The CPU keeps the numbers of columns and rows on the heap. */
    @Override
    public void choose(Device device) {
        switch (device) {
            case CpuDevice cpu -> {}
            case CudaDevice cuda -> {
                statistics = Tensor.f32(name() + ".columns", STATISTICS, width(), Double.BYTES / Float.BYTES);
                rowLoss = Tensor.f32(name() + ".rows", width());
            }
        }
    }

    @Override
    public void connect(Tape tape) {
        dunit = Tensor.f32(name() + ".dunit", 2 * batch(), width());
        dz = tape.newGradient(z);
    }

    @Override
    public List<Tensor> backwardUses() {
        return statistics == null ? List.of(z, unit, c, dunit, dz) : List.of(z, unit, c, statistics, dunit, dz);
    }

    @Override
    public Cost cost() {
        long product = z.shape().count() * width();
        return new Cost(product, 2 * z.bytes() + c.bytes(), 2 * product, 4 * z.bytes() + c.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuBarlowTwins(cpu, this);
            case CudaDevice cuda -> new CudaBarlowTwins(cuda.context(), this);
        };
    }
}
