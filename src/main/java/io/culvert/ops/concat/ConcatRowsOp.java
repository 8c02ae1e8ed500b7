package io.culvert.ops.concat;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** One tensor's rows after another's: a {@code [M, ...]}, b {@code [N, ...]}, y {@code [M + N, ...]}. */
public final class ConcatRowsOp extends Op {
    final Tensor a;
    final Tensor b;
    final Tensor y;
    Tensor dy;
    Tensor da;
    Tensor db;

    private ConcatRowsOp(String name, Tape tape, Tensor a, Tensor b) {
        super(name);
        this.a = a;
        this.b = b;
        int[] extents = a.shape().toArray();
        extents[0] += b.shape().at(0);
        y = new Tensor(name + ".y", Shape.of(extents), a.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor a, Tensor b) {
        int[] rest = b.shape().toArray();
        rest[0] = a.shape().at(0);
        if (!a.shape().equals(Shape.of(rest)) || a.dtype() != b.dtype()) {
            throw new IllegalArgumentException(name + ": the rows of " + a + " and " + b + " differ");
        }
        return new ConcatRowsOp(name, tape, a, b).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(a, b);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        da = tape.newGradient(a);
        db = tape.newGradient(b);
    }

    @Override
    public List<Tensor> backwardUses() {
        return Stream.of(dy, da, db).filter(Objects::nonNull).toList();
    }

    @Override
    public Cost cost() {
        return new Cost(0, 2 * y.bytes(), 0, 2 * y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuConcatRows(this);
            case CudaDevice cuda -> new CudaConcatRows(cuda.context().stream(), this);
        };
    }
}
