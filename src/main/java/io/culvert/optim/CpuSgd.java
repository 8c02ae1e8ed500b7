package io.culvert.optim;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** One pass over the slabs, whose tensors are padded to whole vectors. */
final class CpuSgd implements SlabUpdate.Kernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final Sgd sgd;
    private final MemorySegment values;
    private final MemorySegment gradients;
    private final MemorySegment momenta;
    private final int count;
    private final GroupRanges ranges;
    private final GroupRanges.Move move = this::move;
    private final Workers.Range task = this::update;

    CpuSgd(CpuDevice cpu, Sgd sgd) {
        this.sgd = sgd;
        workers = cpu.workers();
        values = sgd.store.values().memory();
        gradients = sgd.store.gradients().memory();
        momenta = sgd.momentumBuffer.memory();
        ranges = new GroupRanges(sgd.store, sgd.groups, sgd.rates, sgd.width);
        count = Math.toIntExact(values.byteSize() / Float.BYTES);
    }

    @Override
    public void update() {
        workers.run(count, GRAIN, task);
    }

    private void update(int worker, int from, int to) {
        ranges.run(from, to, move);
    }

    private void move(int from, int to, int at) {
        float learningRate = sgd.rates[at];
        float decay = sgd.rates[at + 1];
        for (int i = from; i < to; i += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(F, values, i * BYTES, NATIVE);
            FloatVector g = FloatVector.fromMemorySegment(F, gradients, i * BYTES, NATIVE).add(p.mul(decay));
            FloatVector m = FloatVector.fromMemorySegment(F, momenta, i * BYTES, NATIVE).mul(sgd.momentum).add(g);
            FloatVector step = sgd.nesterov ? g.add(m.mul(sgd.momentum)) : m;
            m.intoMemorySegment(momenta, i * BYTES, NATIVE);
            p.sub(step.mul(learningRate)).intoMemorySegment(values, i * BYTES, NATIVE);
        }
    }
}
