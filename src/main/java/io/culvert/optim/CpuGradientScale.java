package io.culvert.optim;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.tensor.Parameter;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/** Two passes over the gradients: norms, then factors. Tensors of a slab are padded to whole vectors with zeros. */
final class CpuGradientScale implements GradientScale.Kernel {
    private static final int GRAIN = 4096;
    private static final double EPS = 1e-6;

    private final GradientScale work;
    private final Workers workers;
    private final MemorySegment[] gradients;
    private final boolean[] clipped;
    private final float[] factors;
    private final double[] squares;
    private final float[][] lanes;
    private final Workers.Piece normTask = this::norms;
    private final Workers.Range scaleTask = this::scale;
    private int current;

    CpuGradientScale(CpuDevice cpu, GradientScale work) {
        this.work = work;
        workers = cpu.workers();
        List<Parameter> parameters = work.store.parameters();
        gradients = new MemorySegment[parameters.size()];
        clipped = new boolean[parameters.size()];
        factors = new float[parameters.size()];
        squares = new double[workers.pieces()];
        lanes = new float[workers.threads()][LANES];
        for (int i = 0; i < gradients.length; i++) {
            Parameter parameter = parameters.get(i);
            long offset = (long) Groups.first(work.store, parameter) * Float.BYTES;
            gradients[i] = work.store.gradients().slice(offset, (parameter.value().bytes() + 63) / 64 * 64);
            clipped[i] = work.clip != null && work.clip.parameters().contains(parameter);
        }
        Arrays.fill(factors, (float) work.mean);
    }

    @Override
    public void apply() {
        if (work.clip != null) {
            clip();
        }
        for (current = 0; current < gradients.length; current++) {
            if (factors[current] != 1) {
                workers.run(count(current), GRAIN, scaleTask);
            }
        }
    }

    private int count(int parameter) {
        return (int) (gradients[parameter].byteSize() / Float.BYTES);
    }

    private void clip() {
        double all = 0;
        for (current = 0; current < gradients.length; current++) {
            if (clipped[current]) {
                Arrays.fill(squares, 0);
                workers.run(count(current), GRAIN, normTask);
                double square = 0;
                for (double share : squares) {
                    square += share;
                }
                all += square;
                factors[current] = factor(work.mean * Math.sqrt(square));
            }
        }
        double norm = work.mean * Math.sqrt(all);
        set(work.norm().data(), 0, (float) norm);
        if (work.clip.global()) {
            float factor = factor(norm);
            for (int i = 0; i < factors.length; i++) {
                factors[i] = clipped[i] ? factor : (float) work.mean;
            }
        }
    }

    private float factor(double norm) {
        double coefficient = work.clip.threshold() / (norm + EPS);
        return (float) (coefficient < 1 ? work.mean * coefficient : work.mean);
    }

    /** Single precision within a block of {@link #GRAIN} elements, double across blocks. */
    private void norms(int worker, int piece, int from, int to) {
        MemorySegment gradient = gradients[current];
        for (int block = from; block < to; block += GRAIN) {
            FloatVector square = FloatVector.zero(F);
            for (int i = block; i < Math.min(to, block + GRAIN); i += LANES) {
                FloatVector g = FloatVector.fromMemorySegment(F, gradient, i * BYTES, NATIVE);
                square = g.fma(g, square);
            }
            squares[piece] += Simd.sum(square, lanes[worker]);
        }
    }

    private void scale(int worker, int from, int to) {
        MemorySegment gradient = gradients[current];
        float factor = factors[current];
        for (int i = from; i < to; i += LANES) {
            FloatVector.fromMemorySegment(F, gradient, i * BYTES, NATIVE).mul(factor).intoMemorySegment(gradient, i * BYTES, NATIVE);
        }
    }
}
