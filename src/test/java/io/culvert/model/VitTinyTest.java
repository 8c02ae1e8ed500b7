package io.culvert.model;

import static io.culvert.ops.OpTestKit.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The whole network against timm's in float64, by a fingerprint that {@code tools/vectors/fingerprint.py} wrote. */
class VitTinyTest {
    private static final double TOLERANCE = 1e-4;
    private static final int BATCH = 3;
    private static final int SIZE = 32;
    private static final int PATCH = 16;
    /** Of images and of the gradient that comes back; the fingerprint is of the first. */
    private static final List<String> DRAWS = List.of("", "a", "b");

    @Test
    void trainsAsTimmDoes() throws URISyntaxException {
        try (Device device = CpuDevice.open(2)) {
            compareWithTimm(train(device, DRAWS.getFirst()));
        }
    }

    @Test
    void trainsAsTimmDoesOnTheEmulator() throws URISyntaxException {
        Emulator emulator = TestEmulator.install();
        try (Device device = CudaDevice.open(0, Precision.FP32)) {
            compareWithTimm(train(device, DRAWS.getFirst()));
        }
        assertThat(emulator.leaks()).as("not given back").isEmpty();
    }

    /**
     * Whole tensors of several draws: what brain floats round on the way through twelve blocks averages out over neither the
     * fingerprint's samples nor the three images of one, where the gradient of the first token has 1.6 to 2.0 % of its length.
     */
    @Test
    void trainsInBrainFloatsAsInSingles() {
        Emulator emulator = TestEmulator.install();
        Map<String, float[]> want = new LinkedHashMap<>();
        Map<String, float[]> got = new LinkedHashMap<>();
        try (Device single = CpuDevice.open(2);
                Device mixed = CudaDevice.open(0, Precision.BF16)) {
            for (String draw : DRAWS) {
                train(single, draw).forEach((name, values) -> want.merge(name, values, VitTinyTest::join));
                train(mixed, draw).forEach((name, values) -> got.merge(name, values, VitTinyTest::join));
            }
        }
        got.forEach((name, values) -> assertClose(name, values, doubles(want.get(name)), Precision.BF16.tolerance()));
        int gelu = cublaslt_h.CUBLASLT_EPILOGUE_GELU_AUX_BIAS();
        assertThat(emulator.epilogueRuns().get(gelu)).as("GELU in the products").isGreaterThanOrEqualTo(12);
        assertThat(emulator.leaks()).as("not given back").isEmpty();
    }

    private static float[] join(float[] a, float[] b) {
        float[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        Arrays.setAll(doubles, i -> values[i]);
        return doubles;
    }

    /** The features, and the gradient of each parameter by its name. */
    private static Map<String, float[]> train(Device device, String draw) {
        try (RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            VitTiny network = new VitTiny(store, SIZE, SIZE, PATCH);
            store.allocate(arena);
            store.parameters().forEach(parameter -> parameter.value().set(parameter.fromTorchOrder(hashed(parameter))));
            store.valuesChanged();
            Tape tape = new Tape(true);
            Tensor x = tape.input(Tensor.f32("x", BATCH, SIZE, SIZE, 3));
            x.bind(arena.allocate("x", x.bytes()), 0);
            x.set(Fingerprint.channelsLast(Fingerprint.hashed("x" + draw, BATCH * 3 * SIZE * SIZE, 2), BATCH));
            Tensor pixels = CastOp.record(tape, "cast", x, DType.compute(device));
            Tensor features = tape.keep(network.record(tape, pixels, true, 1));
            Tensor seed = tape.seedGradient(features);
            seed.bind(arena.allocate("gradout", seed.bytes()), 0);
            seed.set(Fingerprint.hashed("gradout" + draw, BATCH * network.features(), 1));
            tape.compile(arena);
            store.zeroGradients();
            tape.forward();
            Map<String, float[]> results = new LinkedHashMap<>();
            results.put("features", features.toFloats());
            tape.backward();
            assertThat(store.parameters()).hasSize(150);
            for (Parameter parameter : store.parameters()) {
                results.put(parameter.name(), parameter.toTorchOrder(parameter.gradient().toFloats()));
            }
            return results;
        }
    }

    private static void compareWithTimm(Map<String, float[]> results) throws URISyntaxException {
        Path file = Path.of(
                VitTinyTest.class.getResource("/golden/vit_tiny_fingerprint.safetensors").toURI());
        try (Arena memory = Arena.ofConfined()) {
            SafetensorsFile truth = SafetensorsFile.map(file, memory);
            results.forEach((name, got) -> {
                if (name.equals("features")) {
                    assertClose(name, got, truth.tensor("out/features").toDoubles(), TOLERANCE);
                } else {
                    Fingerprint.compare(name, got, truth, TOLERANCE);
                }
            });
        }
    }

    /** As {@code fingerprint.py}: matrices near 1 / sqrt(fan in), gains about 1, the rest up to a quarter. */
    private static float[] hashed(Parameter parameter) {
        String name = parameter.name();
        int count = Math.toIntExact(parameter.value().shape().count());
        if (name.contains("norm") && name.endsWith("weight")) {
            float[] gains = Fingerprint.hashed(name, count, 0.5f);
            for (int i = 0; i < count; i++) {
                gains[i] += 1;
            }
            return gains;
        }
        if (name.endsWith("weight")) {
            double fanIn = (double) count / parameter.torchShape()[0];
            double power = Math.rint(Math.log(Math.sqrt(3 / fanIn)) / Math.log(2));
            return Fingerprint.hashed(name, count, (float) Math.pow(2, power));
        }
        return Fingerprint.hashed(name, count, 0.25f);
    }

    @Test
    void startsAsTimmDoes() {
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            VitTiny network = new VitTiny(store, 64, 64, 8);
            assertThat(store.parameters().stream().mapToLong(p -> p.value().shape().count()).sum()).isEqualTo(5_388_480);
            store.allocate(arena);
            network.initialise(new Init(7));
            for (Parameter parameter : store.parameters()) {
                String name = parameter.name();
                float[] values = parameter.value().toFloats();
                if (name.startsWith("patch_embed")) {
                    double bound = 1 / Math.sqrt(3 * 8 * 8);
                    assertThat(deviation(values)).as(name).isCloseTo(bound / Math.sqrt(3), within(0.15 * bound));
                } else if (parameter.isVector()) {
                    assertThat(values).as(name).containsOnly(name.endsWith("weight") ? 1f : 0f);
                } else {
                    double std = name.equals("cls_token") ? 1e-6 : 0.02;
                    assertThat(deviation(values)).as(name).isCloseTo(std, within(0.2 * std));
                }
            }
        }
    }

    private static double deviation(float[] values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares / values.length);
    }

    @Test
    void patchesMustTileTheImage() {
        assertThatThrownBy(() -> new VitTiny(new ParameterStore(), 100, 100, 16))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("patches of 16 do not tile an image of 100 x 100");
    }
}
