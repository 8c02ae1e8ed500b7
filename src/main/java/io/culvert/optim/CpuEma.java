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
final class CpuEma implements SlabUpdate.Kernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final Ema ema;
    private final MemorySegment teacher;
    private final MemorySegment student;
    private final int count;
    private final Workers.Range task = this::step;
    private float rest;

    CpuEma(CpuDevice cpu, Ema ema) {
        this.ema = ema;
        workers = cpu.workers();
        teacher = ema.store.values().memory();
        student = ema.student.values().memory();
        count = Math.toIntExact(teacher.byteSize() / Float.BYTES);
    }

    @Override
    public void update() {
        rest = 1 - ema.rates[0];
        workers.run(count, GRAIN, task);
    }

    private void step(int worker, int from, int to) {
        for (int i = from; i < to; i += LANES) {
            FloatVector t = FloatVector.fromMemorySegment(F, teacher, i * BYTES, NATIVE);
            FloatVector s = FloatVector.fromMemorySegment(F, student, i * BYTES, NATIVE);
            s.sub(t).mul(rest).add(t).intoMemorySegment(teacher, i * BYTES, NATIVE);
        }
    }
}
