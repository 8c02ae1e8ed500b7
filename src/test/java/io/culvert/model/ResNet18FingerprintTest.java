package io.culvert.model;

import static io.culvert.ops.OpTestKit.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/**
 * One forward and backward of the whole network against timm's in float64. The file is a fingerprint of it, written by
 * {@code tools/vectors/fingerprint.py}, because all 11 million gradients would take 90 MB.
 */
class ResNet18FingerprintTest {
    private static final double TOLERANCE = 1e-4;
    private static final int BATCH = 4;
    private static final int HEIGHT = 33;
    private static final int WIDTH = 47;
    private static final int STRIDE = 997;

    /** The formula of {@code fingerprint.py}: SplitMix64's finaliser, its high 24 bits scaled to [-1, 1). */
    private static float[] hashed(String name, int count, float scale) {
        CRC32 crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            long z = (crc.getValue() << 32) + i + 0x9E3779B97F4A7C15L;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            z ^= z >>> 31;
            values[i] = ((z >>> 40) / (float) (1 << 23) - 1) * scale;
        }
        return values;
    }

    private static float weightScale(Parameter weight) {
        int[] s = weight.torchShape();
        double bound = Math.sqrt(6.0 / ((double) s[0] * s[2] * s[3]));
        return (float) Math.pow(2, Math.rint(Math.log(bound) / Math.log(2)));
    }

    /** Pixels of {@code [N, 3, H, W]} in the order {@code [N, H, W, 3]}. */
    private static float[] channelsLast(float[] planes) {
        float[] pixels = new float[planes.length];
        int plane = HEIGHT * WIDTH;
        for (int n = 0; n < BATCH; n++) {
            for (int c = 0; c < 3; c++) {
                for (int i = 0; i < plane; i++) {
                    pixels[(n * plane + i) * 3 + c] = planes[(n * 3 + c) * plane + i];
                }
            }
        }
        return pixels;
    }

    @Test
    void trainsAsTimmDoes() throws URISyntaxException {
        Path file = Path.of(
                getClass().getResource("/golden/resnet18_fingerprint.safetensors").toURI());
        try (Arena memory = Arena.ofConfined();
                CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            SafetensorsFile truth = SafetensorsFile.map(file, memory);
            ParameterStore store = new ParameterStore();
            ResNet18 network = new ResNet18(store, false);
            store.allocate(arena);
            load(store, truth);
            Tape tape = new Tape(true);
            Tensor x = tape.input(Tensor.f32("x", BATCH, HEIGHT, WIDTH, 3));
            x.bind(arena.allocate("x", x.bytes()), 0);
            x.set(channelsLast(hashed("x", BATCH * 3 * HEIGHT * WIDTH, 2)));
            Tensor features = tape.keep(network.record(tape, x, true, 1));
            Tensor seed = tape.seedGradient(features);
            seed.bind(arena.allocate("gradout", seed.bytes()), 0);
            seed.set(hashed("gradout", BATCH * 512, 1));
            tape.compile(arena);
            store.zeroGradients();
            tape.forward();
            assertClose("features", features.toFloats(), truth.tensor("out/features").toDoubles(), TOLERANCE);
            tape.backward();
            assertThat(store.parameters()).hasSize(60);
            store.parameters().forEach(parameter -> compareGradient(parameter, truth));
            store.buffers().forEach((name, buffer) -> assertClose(
                    name, buffer.toFloats(), truth.tensor("out/buffer/" + name).toDoubles(), TOLERANCE));
        }
    }

    private static void load(ParameterStore store, SafetensorsFile truth) {
        for (Parameter parameter : store.parameters()) {
            int count = Math.toIntExact(parameter.value().shape().count());
            float[] torch = parameter.isVector()
                    ? truth.tensor("param/" + parameter.name()).toFloats()
                    : hashed(parameter.name(), count, weightScale(parameter));
            parameter.value().set(parameter.fromTorchOrder(torch));
        }
        store.buffers().forEach((name, buffer) -> buffer.set(truth.tensor("buffer/" + name).toFloats()));
        store.valuesChanged();
    }

    private static void compareGradient(Parameter parameter, SafetensorsFile truth) {
        String name = parameter.name();
        float[] gradient = parameter.toTorchOrder(parameter.gradient().toFloats());
        if (parameter.isVector()) {
            assertClose(name, gradient, truth.tensor("grad/" + name).toDoubles(), TOLERANCE);
            return;
        }
        double squares = 0;
        for (float g : gradient) {
            squares += (double) g * g;
        }
        double norm = truth.tensor("norm/" + name).get(0);
        assertThat(Math.abs(Math.sqrt(squares) - norm)).as("norm of " + name).isLessThanOrEqualTo(TOLERANCE * norm);
        double[] want = truth.tensor("sample/" + name).toDoubles();
        float[] got = new float[want.length];
        for (int i = 0; i < got.length; i++) {
            got[i] = gradient[i * STRIDE];
        }
        assertClose("sample of " + name, got, want, TOLERANCE);
    }
}
