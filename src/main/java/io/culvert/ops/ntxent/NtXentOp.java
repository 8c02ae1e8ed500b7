package io.culvert.ops.ntxent;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Loss;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * NT-Xent, the contrastive loss of SimCLR (Chen et al. 2020, equation 1), the mean over all 2B rows of
 *
 * <pre>l(i) = -log( exp(s(i, pair(i)) / T) / sum over k != i of exp(s(i, k) / T) ),  s = cosine similarity</pre>
 *
 * <p>z: {@code [2B, D]}, not normalised; rows i and i + B are the two views of one image. loss: {@code [1]}.
 */
public final class NtXentOp extends Op implements Loss {
    final Tensor z;
    final Tensor unit;
    final Tensor loss;
    final double temperature;
    Tensor saved;
    Tensor dunit;
    Tensor dz;

    private NtXentOp(String name, Tape tape, Tensor z, double temperature) {
        super(name);
        this.z = z;
        this.temperature = temperature;
        unit = new Tensor(name + ".unit", z.shape(), z.dtype());
        loss = tape.keep(Tensor.f32(name + ".loss", 1));
        tape.record(this);
    }

    /** Records the loss and returns its scalar. */
    public static Tensor record(Tape tape, String name, Tensor z, double temperature) {
        if (z.shape().rank() != 2 || z.shape().at(0) % 2 != 0 || z.shape().at(0) < 4) {
            throw new IllegalArgumentException(name + ": needs [2B, D] with B >= 2, got " + z);
        }
        if (!(temperature > 0)) {
            throw new IllegalArgumentException(name + ": temperature must be positive, got " + temperature);
        }
        return new NtXentOp(name, tape, z, temperature).loss;
    }

    @Override
    public Tensor loss() {
        return loss;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(z);
    }

    @Override
    public List<Tensor> outputs() {
        return saved == null ? List.of(loss, unit) : List.of(loss, unit, saved);
    }

    /** The CPU keeps the gradient of the similarities, a GPU three numbers a row and computes the similarities again. */
    @Override
    public void choose(Device device) {
        int rows = z.shape().at(0);
        saved = switch (device) {
            case CpuDevice cpu -> Tensor.f32(name() + ".dlogits", rows, rows);
            case CudaDevice cuda -> Tensor.f32(name() + ".rows", 3, rows);
        };
    }

    @Override
    public void connect(Tape tape) {
        dunit = new Tensor(name() + ".dunit", unit.shape(), unit.dtype());
        dz = tape.newGradient(z);
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(z, unit, saved, dunit, dz);
    }

    @Override
    public Cost cost() {
        long product = 2 * z.shape().count() * z.shape().at(0);
        return new Cost(product, 2 * z.bytes() + saved.bytes(), 2 * product, 4 * z.bytes() + saved.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuNtXent(cpu, this);
            case CudaDevice cuda -> new CudaNtXent(cuda.context(), this);
        };
    }
}
