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
import java.nio.file.Path;
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

    private static float weightScale(Parameter weight) {
        int[] s = weight.torchShape();
        double bound = Math.sqrt(6.0 / ((double) s[0] * s[2] * s[3]));
        return (float) Math.pow(2, Math.rint(Math.log(bound) / Math.log(2)));
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
            x.set(Fingerprint.channelsLast(Fingerprint.hashed("x", BATCH * 3 * HEIGHT * WIDTH, 2), BATCH));
            Tensor features = tape.keep(network.record(tape, x, true, 1));
            Tensor seed = tape.seedGradient(features);
            seed.bind(arena.allocate("gradout", seed.bytes()), 0);
            seed.set(Fingerprint.hashed("gradout", BATCH * 512, 1));
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
                    : Fingerprint.hashed(parameter.name(), count, weightScale(parameter));
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
        Fingerprint.compare(name, gradient, truth, TOLERANCE);
    }
}
