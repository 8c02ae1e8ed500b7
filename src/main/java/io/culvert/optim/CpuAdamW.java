package io.culvert.optim;

import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.load;
import static io.culvert.device.cpu.Simd.store;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** One pass over the slabs, whose tensors are padded to whole vectors. */
final class CpuAdamW implements AdamW.Kernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final MemorySegment values;
    private final MemorySegment gradients;
    private final MemorySegment first;
    private final MemorySegment second;
    private final float beta1;
    private final float beta2;
    private final float rest1;
    private final float rest2;
    private final float eps;
    private final int count;
    private final Workers.Range task = this::update;
    private float stepSize;
    private float secondScale;
    private float shrink;

    CpuAdamW(CpuDevice cpu, AdamW adam) {
        workers = cpu.workers();
        values = adam.store.values().memory();
        gradients = adam.store.gradients().memory();
        first = adam.first.memory();
        second = adam.second.memory();
        beta1 = (float) adam.beta1;
        beta2 = (float) adam.beta2;
        rest1 = (float) (1 - adam.beta1);
        rest2 = (float) (1 - adam.beta2);
        eps = adam.eps;
        count = Math.toIntExact(values.byteSize() / Float.BYTES);
    }

    @Override
    public void step(float newStepSize, float newSecondScale, float newShrink) {
        stepSize = newStepSize;
        secondScale = newSecondScale;
        shrink = newShrink;
        workers.run(count, GRAIN, task);
    }

    private void update(int worker, int from, int to) {
        for (int i = from; i < to; i += LANES) {
            FloatVector g = load(gradients, i);
            FloatVector m = load(first, i).mul(beta1).add(g.mul(rest1));
            FloatVector v = load(second, i).mul(beta2).add(g.mul(g).mul(rest2));
            store(m, first, i);
            store(v, second, i);
            FloatVector move = m.mul(stepSize).div(v.sqrt().mul(secondScale).add(eps));
            store(load(values, i).mul(shrink).sub(move), values, i);
        }
    }
}
