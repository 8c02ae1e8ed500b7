package io.culvert.ops.mlp;

import io.culvert.device.CpuDevice;
import io.culvert.ops.OpKernel;
import io.culvert.ops.gelu.CpuBiasGelu;
import io.culvert.ops.linear.CpuLinear;

/** Products by oneDNN, the first bias with the GELU. The gradient of h becomes that of a in place. */
final class CpuMlp implements OpKernel {
    private final CpuLinear first;
    private final CpuBiasGelu gelu;
    private final CpuLinear second;

    CpuMlp(CpuDevice cpu, MlpOp op) {
        first = new CpuLinear(cpu, op.x, op.first.weight(), null, op.a, op.da, op.dx);
        gelu = new CpuBiasGelu(cpu, op.a, op.first.bias(), op.h, op.da, op.da);
        second = new CpuLinear(cpu, op.h, op.second.weight(), op.second.bias(), op.y, op.dy, op.da);
    }

    @Override
    public void forward() {
        first.forward();
        gelu.forward();
        second.forward();
    }

    @Override
    public void backward() {
        second.backward();
        gelu.backward();
        first.backward();
    }
}
