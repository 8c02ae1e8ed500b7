package io.culvert.ops.add;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Adds the gradients that several consumers left for one tensor into the first of them. The tape inserts it into the
 * backward pass where an op cannot take several itself; forward does nothing.
 */
public final class AddGradientsOp extends Op {
    final List<Tensor> parts;

    public AddGradientsOp(Tensor tensor, List<Tensor> parts) {
        super("add gradients of " + tensor.name());
        this.parts = parts;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of();
    }

    @Override
    public List<Tensor> outputs() {
        return List.of();
    }

    @Override
    public void connect(Tape tape) {}

    @Override
    public List<Tensor> backwardUses() {
        return parts;
    }

    @Override
    public Cost cost() {
        Tensor first = parts.getFirst();
        return new Cost(0, 0, (parts.size() - 1) * first.shape().count(), (parts.size() + 1) * first.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuAddGradients(cpu, this);
            case CudaDevice cuda -> new CudaAddGradients(cuda.context(), this);
        };
    }
}
