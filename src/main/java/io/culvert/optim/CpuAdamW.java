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
final class CpuAdamW implements SlabUpdate.Kernel {
    private static final int GRAIN = 4096;

    private final AdamW adam;
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
    private final GroupRanges ranges;
    private final GroupRanges.Move move = this::blocks;
    private final Workers.Range task = this::update;

    CpuAdamW(CpuDevice cpu, AdamW adam) {
        this.adam = adam;
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
        ranges = new GroupRanges(adam.store, adam.groups, adam.rates, adam.width);
        count = Math.toIntExact(values.byteSize() / Float.BYTES);
    }

    @Override
    public void update() {
        workers.run(count, GRAIN, task);
    }

    private void update(int worker, int from, int to) {
        ranges.run(from, to, move);
    }

    /** In two methods: the compiler gives up inlining in one with this many vector operations, and then boxes vectors. */
    private void blocks(int from, int to, int at) {
        for (int block = from; block < to; block += GRAIN) {
            int end = Math.min(to, block + GRAIN);
            moments(block, end);
            move(block, end, at);
        }
    }

    private void moments(int from, int to) {
        FloatVector keep1 = FloatVector.broadcast(F, beta1);
        FloatVector keep2 = FloatVector.broadcast(F, beta2);
        FloatVector take1 = FloatVector.broadcast(F, rest1);
        FloatVector take2 = FloatVector.broadcast(F, rest2);
        for (int i = from; i < to; i += LANES) {
            FloatVector g = FloatVector.fromMemorySegment(F, gradients, i * BYTES, NATIVE);
            FloatVector m = FloatVector.fromMemorySegment(F, first, i * BYTES, NATIVE).mul(keep1).add(g.mul(take1));
            m.intoMemorySegment(first, i * BYTES, NATIVE);
            FloatVector v = FloatVector.fromMemorySegment(F, second, i * BYTES, NATIVE).mul(keep2).add(g.mul(g).mul(take2));
            v.intoMemorySegment(second, i * BYTES, NATIVE);
        }
    }

    private void move(int from, int to, int at) {
        FloatVector size = FloatVector.broadcast(F, adam.rates[at]);
        FloatVector scale = FloatVector.broadcast(F, adam.rates[at + 1]);
        FloatVector floor = FloatVector.broadcast(F, eps);
        FloatVector keep = FloatVector.broadcast(F, adam.rates[at + 2]);
        for (int i = from; i < to; i += LANES) {
            FloatVector root = FloatVector.fromMemorySegment(F, second, i * BYTES, NATIVE).sqrt().mul(scale).add(floor);
            FloatVector move = FloatVector.fromMemorySegment(F, first, i * BYTES, NATIVE).mul(size).div(root);
            FloatVector.fromMemorySegment(F, values, i * BYTES, NATIVE).mul(keep).sub(move).intoMemorySegment(values, i * BYTES, NATIVE);
        }
    }
}
