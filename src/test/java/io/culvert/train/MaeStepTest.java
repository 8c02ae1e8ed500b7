package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.method.Mae;
import io.culvert.model.Init;
import io.culvert.model.MaeDecoder;
import io.culvert.model.VitTiny;
import io.culvert.optim.AdamW;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole steps of a small masked autoencoder. */
class MaeStepTest {
    private static final int BATCH = 3;
    private static final int SIZE = 20;
    private static final int PATCH = 4;
    private static final double TOLERANCE = 2e-5;

    /** The losses of some steps, and every parameter before and after. */
    private record Trained(List<Float> losses, List<String> names, List<float[]> before, List<float[]> after) {}

    private static Mae method(VitTiny encoder, boolean frozen) {
        MaeDecoder decoder = new MaeDecoder(encoder, new MaeDecoder.Sizes(48, 1, 3, 1e-6));
        return new Mae(encoder, decoder, new Mae.Settings(0.75, true, frozen), 5);
    }

    private static VitTiny encoder(ParameterStore store) {
        return new VitTiny(store, SIZE, SIZE, PATCH, new VitTiny.Sizes(32, 2, 2), VitTiny.Start.MAE);
    }

    private static Trainer trainer(RunArena arena, ParameterStore store, boolean frozen) {
        VitTiny encoder = encoder(store);
        Mae method = method(encoder, frozen);
        store.allocate(arena);
        method.allocate(arena);
        Init init = new Init(1);
        encoder.initialise(init);
        method.initialise(init);
        store.valuesChanged();
        // A large eps: the gradient of the keys' bias is nothing but rounding, and Adam would divide it by its own size.
        return new Trainer(
                arena, store, method, new AdamW(arena, store, 0.9, 0.95, 1e-2, 0.05), new WarmupCosine(0.01, 0.01, 0.01, 1, 100),
                BATCH, SIZE);
    }

    private static Trained train(Device device, boolean frozen) {
        try (RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Trainer trainer = trainer(arena, store, frozen);
            List<float[]> before = values(store);
            List<Float> losses = new ArrayList<>();
            // The third is recorded, the fourth repeats it.
            for (int step = 0; step < 4; step++) {
                losses.add(trainer.step(views(arena, step)));
            }
            List<String> names = store.parameters().stream().map(Parameter::name).toList();
            return new Trained(losses, names, before, values(store));
        }
    }

    private static List<float[]> values(ParameterStore store) {
        return store.parameters().stream().map(parameter -> parameter.value().toFloats()).toList();
    }

    private static MemorySegment views(RunArena arena, int step) {
        long count = (long) BATCH * SIZE * SIZE * 3;
        MemorySegment views = arena.hostMemory(count * Float.BYTES);
        SplittableRandom random = new SplittableRandom(step);
        for (long i = 0; i < count; i++) {
            views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return views;
    }

    private static double distance(float[] a, float[] b) {
        double square = 0;
        for (int i = 0; i < a.length; i++) {
            square += (a[i] - b[i]) * (double) (a[i] - b[i]);
        }
        return Math.sqrt(square);
    }

    @Test
    void aGradientReachesEveryParameter() {
        try (Device device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Trainer trainer = trainer(arena, store, false);
            // A model that knows nothing explains nothing of patches of variance 1, and adds some variance of its own.
            assertThat(trainer.step(views(arena, 0))).isBetween(0.95f, 2.5f);
            assertThat(store.parameters()).hasSize(4 + 12 * 2 + 2 + 1 + 2 + 12 + 2 + 2 - 1);
            for (Parameter parameter : store.parameters()) {
                double square = 0;
                for (float g : parameter.gradient().toFloats()) {
                    square += (double) g * g;
                }
                assertThat(Math.sqrt(square)).as(parameter.name()).isGreaterThan(1e-6).isFinite();
            }
            assertThat(trainer.recorded().features().shape().toArray()).containsExactly(BATCH, 32);
        }
    }

    @ParameterizedTest
    @CsvSource({"cpu", "cuda"})
    void asPublishedNothingMoves(String where) {
        if (where.equals("cuda")) {
            TestEmulator.install();
        }
        try (Device device = where.equals("cpu") ? CpuDevice.open(2) : CudaDevice.open(0, Precision.FP32)) {
            Trained frozen = train(device, true);
            assertThat(frozen.losses).allMatch(Float::isFinite).doesNotHaveDuplicates();
            for (int i = 0; i < frozen.names.size(); i++) {
                assertThat(frozen.after.get(i)).as(frozen.names.get(i)).isEqualTo(frozen.before.get(i));
            }
        }
    }

    @Test
    void theCudaDevicesStepsEqualTheCpus() {
        Emulator emulator = TestEmulator.install();
        Trained cpu;
        try (Device device = CpuDevice.open(2)) {
            cpu = train(device, false);
        }
        try (Device device = CudaDevice.open(0, Precision.FP32)) {
            Trained cuda = train(device, false);
            assertThat(cuda.names).isEqualTo(cpu.names);
            for (int i = 0; i < cpu.losses.size(); i++) {
                assertThat(cuda.losses.get(i)).isCloseTo(cpu.losses.get(i), withinPercentage(1e-3));
            }
            for (int i = 0; i < cpu.names.size(); i++) {
                double norm = distance(cpu.after.get(i), new float[cpu.after.get(i).length]);
                assertThat(distance(cuda.after.get(i), cpu.after.get(i))).as(cpu.names.get(i)).isLessThan(TOLERANCE * norm);
            }
        }
        try (Device device = CudaDevice.open(0, Precision.BF16)) {
            Trained mixed = train(device, false);
            for (int i = 0; i < cpu.losses.size(); i++) {
                assertThat(mixed.losses.get(i))
                        .isCloseTo(cpu.losses.get(i), withinPercentage(100 * Precision.BF16.tolerance()));
            }
            assertThat(mixed.losses).isNotEqualTo(cpu.losses);
        }
        assertThat(emulator.leaks()).as("not given back").isEmpty();
    }

    @Test
    void wrongSettingsAreNamed() {
        VitTiny encoder = encoder(new ParameterStore());
        assertThatThrownBy(() -> new Mae(
                        encoder, new MaeDecoder(encoder, new MaeDecoder.Sizes(48, 1, 3, 1e-6)),
                        new Mae.Settings(0.99, true, false), 5))
                .isInstanceOf(CulvertException.class)
                .hasMessage("method.mask_ratio: 0.99 leaves 0 of 25 patches: some must stay and some go");
        assertThatThrownBy(() -> new MaeDecoder(encoder, new MaeDecoder.Sizes(48, 1, 5, 1e-6)))
                .isInstanceOf(CulvertException.class)
                .hasMessage("method.decoder_heads: 5 heads do not share a width of 48: take one of its divisors");
        assertThatThrownBy(() -> new MaeDecoder(encoder, new MaeDecoder.Sizes(42, 1, 3, 1e-6)))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("method.decoder_dim: 42 is no multiple of 4");
        assertThatThrownBy(() -> new VitTiny(
                        new ParameterStore(), 32, 32, 16, new VitTiny.Sizes(192, 1, 7), VitTiny.Start.MAE))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("model.heads: 7 heads");
        RunConfig config = RunConfig.load(
                Path.of("../configs/mae-vit_tiny.yaml"),
                List.of("data.csv=a.csv", "data.images=a", "model.name=resnet18"));
        assertThatThrownBy(() -> new Run(config))
                .isInstanceOf(CulvertException.class)
                .hasMessage("method mae removes patches and needs a vision transformer: set model.name=vit_tiny, now it is"
                        + " resnet18");
    }

    /** The initial values that the authors' code draws: uniform within the root of 6 / (fan in + fan out). */
    @Test
    void startsByXaviersRule() {
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            trainer(arena, store, false);
            for (Parameter parameter : store.parameters()) {
                String name = parameter.name();
                float[] values = parameter.value().toFloats();
                double norm = distance(values, new float[values.length]);
                double deviation = norm / Math.sqrt(values.length);
                if (parameter.isVector()) {
                    assertThat(values).as(name).containsOnly(name.contains("norm") && name.endsWith("weight") ? 1f : 0f);
                } else if (name.endsWith("token")) {
                    assertThat(deviation).as(name).isCloseTo(0.02, within(0.01));
                } else {
                    int out = parameter.torchShape()[0];
                    double bound = Math.sqrt(6.0 / (out + (double) values.length / out));
                    assertThat(deviation).as(name).isCloseTo(bound / Math.sqrt(3), within(0.05 * bound));
                    for (float value : values) {
                        assertThat(Math.abs(value)).as(name).isLessThanOrEqualTo((float) bound);
                    }
                }
            }
        }
    }
}
