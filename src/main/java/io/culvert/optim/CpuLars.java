package io.culvert.optim;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.tensor.Parameter;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/** Two passes for each parameter: its norms, then its update. Tensors of a slab are padded to whole vectors with zeros. */
final class CpuLars implements SlabUpdate.Kernel {
    private static final int GRAIN = 4096;
    private static final double EPS = 1e-8;

    private final Workers workers;
    private final Lars lars;
    private final MemorySegment[] values;
    private final MemorySegment[] gradients;
    private final MemorySegment[] momenta;
    private final int[] groups;
    private final double[] valueSquares;
    private final double[] gradientSquares;
    private final float[][] lanes;
    private final Workers.Piece normTask = this::norms;
    private final Workers.Range updateTask = this::update;
    private int current;
    private float decay;
    private float normDecay;
    private float scale;
    private float learningRate;

    CpuLars(CpuDevice cpu, Lars lars) {
        this.lars = lars;
        workers = cpu.workers();
        List<Parameter> parameters = lars.store.parameters();
        values = new MemorySegment[parameters.size()];
        gradients = new MemorySegment[parameters.size()];
        momenta = new MemorySegment[parameters.size()];
        groups = new int[parameters.size()];
        valueSquares = new double[workers.pieces()];
        gradientSquares = new double[workers.pieces()];
        lanes = new float[workers.threads()][LANES];
        long slab = lars.store.values().address();
        for (int i = 0; i < values.length; i++) {
            Parameter parameter = parameters.get(i);
            long offset = parameter.value().address() - slab;
            long bytes = (parameter.value().bytes() + 63) / 64 * 64;
            values[i] = lars.store.values().slice(offset, bytes);
            gradients[i] = lars.store.gradients().slice(offset, bytes);
            momenta[i] = lars.momentumBuffer.slice(offset, bytes);
            groups[i] = lars.groups.of(parameter);
        }
    }

    @Override
    public void update() {
        for (current = 0; current < values.length; current++) {
            int at = groups[current] * lars.width;
            learningRate = lars.rates[at];
            if (Float.isNaN(learningRate)) {
                continue;
            }
            int count = Math.toIntExact(values[current].byteSize() / Float.BYTES);
            decay = lars.rates[at + 1];
            scale = 1;
            if (!Groups.vectors(groups[current])) {
                adapt(count);
            }
            workers.run(count, GRAIN, updateTask);
        }
    }

    /** Finds the trust ratio; see {@link Lars.Form}. */
    private void adapt(int count) {
        normDecay = lars.apart ? 0 : decay;
        Arrays.fill(valueSquares, 0);
        Arrays.fill(gradientSquares, 0);
        workers.run(count, GRAIN, normTask);
        double value = 0;
        double gradient = 0;
        for (int piece = 0; piece < valueSquares.length; piece++) {
            value += valueSquares[piece];
            gradient += gradientSquares[piece];
        }
        value = Math.sqrt(value);
        gradient = Math.sqrt(gradient);
        if (value != 0 && gradient != 0 && !(lars.apart && decay == 0)) {
            scale = (float) (lars.trust * value / (lars.apart ? gradient + decay * value + EPS : gradient));
        } else if (lars.apart) {
            decay = 0;
        }
    }

    /** Single precision within a block of {@link #GRAIN} elements, double across blocks. */
    private void norms(int worker, int piece, int from, int to) {
        MemorySegment value = values[current];
        MemorySegment gradient = gradients[current];
        for (int block = from; block < to; block += GRAIN) {
            FloatVector p2 = FloatVector.zero(F);
            FloatVector g2 = FloatVector.zero(F);
            for (int i = block; i < Math.min(to, block + GRAIN); i += LANES) {
                FloatVector p = FloatVector.fromMemorySegment(F, value, i * BYTES, NATIVE);
                FloatVector g = FloatVector.fromMemorySegment(F, gradient, i * BYTES, NATIVE).add(p.mul(normDecay));
                p2 = p.fma(p, p2);
                g2 = g.fma(g, g2);
            }
            valueSquares[piece] += Simd.sum(p2, lanes[worker]);
            gradientSquares[piece] += Simd.sum(g2, lanes[worker]);
        }
    }

    private void update(int worker, int from, int to) {
        MemorySegment value = values[current];
        MemorySegment gradient = gradients[current];
        MemorySegment momentum = momenta[current];
        for (int i = from; i < to; i += LANES) {
            FloatVector p = FloatVector.fromMemorySegment(F, value, i * BYTES, NATIVE);
            FloatVector g = FloatVector.fromMemorySegment(F, gradient, i * BYTES, NATIVE).add(p.mul(decay)).mul(scale);
            FloatVector m = FloatVector.fromMemorySegment(F, momentum, i * BYTES, NATIVE).mul(lars.momentum).add(g);
            m.intoMemorySegment(momentum, i * BYTES, NATIVE);
            p.sub(m.mul(learningRate)).intoMemorySegment(value, i * BYTES, NATIVE);
        }
    }
}
