package io.culvert.optim;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** One pass over the slabs, whose tensors are padded to whole vectors with zeros. */
final class CpuSlabNorms implements SlabNorms.Kernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final MemorySegment values;
    private final MemorySegment gradients;
    private final MemorySegment before;
    private final int count;
    private final double[][] sums;
    private final float[][] lanes;
    private final Workers.Piece task = this::squares;

    CpuSlabNorms(CpuDevice cpu, SlabNorms norms) {
        workers = cpu.workers();
        values = norms.store.values().memory();
        gradients = norms.store.gradients().memory();
        before = norms.before.memory();
        count = Math.toIntExact(values.byteSize() / Float.BYTES);
        sums = new double[workers.pieces()][3];
        lanes = new float[workers.threads()][LANES];
    }

    @Override
    public void squares(double[] to) {
        for (double[] sum : sums) {
            Arrays.fill(sum, 0);
        }
        workers.run(count, GRAIN, task);
        Arrays.fill(to, 0);
        for (double[] sum : sums) {
            for (int i = 0; i < to.length; i++) {
                to[i] += sum[i];
            }
        }
    }

    /** Single precision within a block of {@link #GRAIN} elements, double across blocks. */
    private void squares(int worker, int piece, int from, int to) {
        double[] sum = sums[piece];
        for (int block = from; block < to; block += GRAIN) {
            FloatVector g2 = FloatVector.zero(F);
            FloatVector w2 = FloatVector.zero(F);
            FloatVector d2 = FloatVector.zero(F);
            for (int i = block; i < Math.min(to, block + GRAIN); i += LANES) {
                FloatVector g = FloatVector.fromMemorySegment(F, gradients, i * BYTES, NATIVE);
                FloatVector w = FloatVector.fromMemorySegment(F, before, i * BYTES, NATIVE);
                FloatVector d = FloatVector.fromMemorySegment(F, values, i * BYTES, NATIVE).sub(w);
                g2 = g.fma(g, g2);
                w2 = w.fma(w, w2);
                d2 = d.fma(d, d2);
            }
            sum[0] += Simd.sum(g2, lanes[worker]);
            sum[1] += Simd.sum(w2, lanes[worker]);
            sum[2] += Simd.sum(d2, lanes[worker]);
        }
    }
}
