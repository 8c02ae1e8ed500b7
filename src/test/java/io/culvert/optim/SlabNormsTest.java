package io.culvert.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Norms over slabs of awkward sizes, against plain loops in double precision. */
class SlabNormsTest {
    @ParameterizedTest
    @CsvSource({"cpu, 1", "cpu, 31", "cpu, 33", "cpu, 1000", "cpu, 100000", "cuda, 1", "cuda, 33", "cuda, 1000", "cuda, 20000"})
    void equalPlainLoops(String name, int count) {
        if (name.equals("cuda")) {
            TestEmulator.install();
        }
        try (Device device = name.equals("cpu") ? CpuDevice.open(2) : CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Parameter weight = store.parameter("weight", count, 1);
            Parameter bias = store.parameter("bias", 5);
            store.allocate(arena);
            SlabNorms norms = new SlabNorms(arena, store);
            SplittableRandom random = new SplittableRandom(count);
            double gradient = 0;
            double before = 0;
            double moved = 0;
            for (Parameter parameter : store.parameters()) {
                float[] g = normal(random, parameter);
                float[] w = normal(random, parameter);
                parameter.gradient().set(g);
                parameter.value().set(w);
                for (int i = 0; i < g.length; i++) {
                    gradient += (double) g[i] * g[i];
                    before += (double) w[i] * w[i];
                }
            }
            norms.before();
            for (Parameter parameter : store.parameters()) {
                float[] old = parameter.value().toFloats();
                float[] now = normal(random, parameter);
                parameter.value().set(now);
                for (int i = 0; i < now.length; i++) {
                    moved += Math.pow((double) now[i] - old[i], 2);
                }
            }
            norms.after();
            assertThat(norms.gradientNorm()).isCloseTo(Math.sqrt(gradient), withinPercentage(1e-4));
            assertThat(norms.updateRatio()).isCloseTo(Math.sqrt(moved / before), withinPercentage(1e-4));
            weight.value().set(new float[count]);
            bias.value().set(new float[5]);
            norms.before();
            norms.after();
            assertThat(norms.updateRatio()).as("all weights 0").isEqualTo(0, within(0.0));
        }
    }

    private static float[] normal(SplittableRandom random, Parameter parameter) {
        float[] values = new float[Math.toIntExact(parameter.value().shape().count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
