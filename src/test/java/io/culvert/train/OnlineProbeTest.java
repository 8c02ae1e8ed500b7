package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.method.SimClr;
import io.culvert.model.Init;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.verify.SmallBackbone;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The probe beside the encoder: it learns as a plain twin does, and the encoder does not feel it. */
class OnlineProbeTest {
    private static final int BATCH = 3;
    private static final int SIZE = 17;
    private static final int STEPS = 4;
    private static final double WEIGHT = 2.5;
    private static final float[] LABELS = {1, 0, 1, 1, 0, 1};

    private record Trained(List<float[]> encoder, List<float[]> features, float[] weight, float bias, Map<String, Number> said) {}

    @ParameterizedTest
    @CsvSource({"cpu, 0.999", "cpu, 0", "cuda, 0.999"})
    void learnsAsItsTwinAndLeavesTheEncoderAlone(String name, double beta2) {
        if (name.equals("cuda")) {
            TestEmulator.install();
        }
        Trained with;
        Trained without;
        try (Device device = name.equals("cpu") ? CpuDevice.open(2) : CudaDevice.open(0, Precision.FP32)) {
            with = train(device, true, beta2);
            without = train(device, false, beta2);
        }
        for (int i = 0; i < with.encoder.size(); i++) {
            assertThat(with.encoder.get(i)).as("parameter " + i).isEqualTo(without.encoder.get(i));
        }
        Twin twin = new Twin(with.features.getFirst().length / (2 * BATCH), beta2);
        double loss = 0;
        for (float[] features : with.features) {
            loss = twin.step(features);
        }
        assertThat(with.said.get("probe_loss").doubleValue()).isCloseTo(loss, within(1e-5));
        assertThat(with.said.get("probe_auroc").doubleValue()).isBetween(0.0, 1.0);
        for (int j = 0; j < with.weight.length; j++) {
            // beta2 = 0 divides a gradient by its own size: where it is all but 0, its rounding decides.
            assertThat((double) with.weight[j]).isCloseTo(twin.p[j], within(beta2 == 0 ? 1e-4 : 2e-5));
        }
        assertThat((double) with.bias).isCloseTo(twin.p[with.weight.length], within(2e-5));
    }

    private static Trained train(Device device, boolean probed, double beta2) {
        try (RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            SmallBackbone backbone = new SmallBackbone(store);
            SimClr method = new SimClr(backbone, 33, 17, 0.5);
            store.allocate(arena);
            Init init = new Init(1);
            backbone.initialise(init);
            method.initialise(init);
            store.valuesChanged();
            OnlineProbe probe = probed ? new OnlineProbe(arena, backbone.features(), 2, WEIGHT, beta2, 7) : null;
            Trainer trainer = new Trainer(
                    arena, store, method, new Sgd(arena, store, 0.9, 1e-4, true), new WarmupCosine(0.05, 0.05, 0.05, 1, 100),
                    BATCH, new int[] {SIZE}, new Trainer.Extras(1, null, probe, false));
            List<float[]> features = new ArrayList<>();
            for (int step = 0; step < STEPS; step++) {
                if (probed) {
                    probe.labels().set(LABELS);
                }
                trainer.step(views(arena, step));
                features.add(trainer.recorded().features().toFloats());
            }
            List<float[]> values = store.parameters().stream().map(parameter -> parameter.value().toFloats()).toList();
            Map<String, Number> said = new LinkedHashMap<>();
            if (!probed) {
                return new Trained(values, features, null, 0, said);
            }
            probe.report(said);
            List<Parameter> own = probe.store().parameters();
            return new Trained(
                    values, features, own.getFirst().value().toFloats(), own.getLast().value().item(), said);
        }
    }

    private static MemorySegment views(RunArena arena, int step) {
        long count = 2L * BATCH * SIZE * SIZE * 3;
        MemorySegment views = arena.hostMemory(count * Float.BYTES);
        SplittableRandom random = new SplittableRandom(step);
        for (long i = 0; i < count; i++) {
            views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return views;
    }

    /** Weighted cross-entropy and AdamW without decay, in double precision; the last parameter is the bias. */
    private static final class Twin {
        final double[] p;
        private final double[] m;
        private final double[] v;
        private final double beta2;
        private int steps;

        Twin(int width, double beta2) {
            this.beta2 = beta2;
            p = new double[width + 1];
            m = new double[width + 1];
            v = new double[width + 1];
            try (CpuDevice cpu = CpuDevice.open(1);
                    RunArena arena = new RunArena(cpu)) {
                OnlineProbe same = new OnlineProbe(arena, width, 2, WEIGHT, beta2, 7);
                float[] weight = same.store().parameters().getFirst().value().toFloats();
                for (int j = 0; j < width; j++) {
                    p[j] = weight[j];
                }
                p[width] = same.store().parameters().getLast().value().item();
            }
        }

        double step(float[] features) {
            int width = p.length - 1;
            double[] g = new double[p.length];
            double loss = 0;
            for (int i = 0; i < LABELS.length; i++) {
                double x = p[width];
                for (int j = 0; j < width; j++) {
                    x += p[j] * features[i * width + j];
                }
                double sigmoid = 1 / (1 + Math.exp(-x));
                double y = LABELS[i];
                loss -= (WEIGHT * y * Math.log(sigmoid) + (1 - y) * Math.log(1 - sigmoid)) / LABELS.length;
                double dx = ((1 - y) * sigmoid - WEIGHT * y * (1 - sigmoid)) / LABELS.length;
                for (int j = 0; j < width; j++) {
                    g[j] += dx * features[i * width + j];
                }
                g[width] += dx;
            }
            steps++;
            for (int j = 0; j < p.length; j++) {
                m[j] = 0.9 * m[j] + 0.1 * g[j];
                v[j] = beta2 * v[j] + (1 - beta2) * g[j] * g[j];
                double root = Math.sqrt(v[j] / (1 - Math.pow(beta2, steps))) + 1e-8;
                p[j] -= 1e-3 * m[j] / (1 - Math.pow(0.9, steps)) / root;
            }
            return loss;
        }
    }
}
