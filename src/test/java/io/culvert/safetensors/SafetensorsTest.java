package io.culvert.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The fixtures were written by the reference implementation, Python's safetensors 0.8.0. */
class SafetensorsTest {
    private final Arena arena = Arena.ofConfined();

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        arena.close();
    }

    private static Path fixture(String name) {
        return Path.of("test/resources/safetensors", name);
    }

    @Test
    void readsEveryTypeOfTheReferenceWriter() {
        SafetensorsFile file = SafetensorsFile.map(fixture("reference.safetensors"), arena);
        assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
        assertThat(file.tensor("f64").toDoubles()).containsExactly(1.5, -2, Math.PI);
        assertThat(file.tensor("f32").shape()).containsExactly(2L, 3L);
        assertThat(file.tensor("f32").toFloats()).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(file.tensor("f16").toFloats()).containsExactly(1, -0.5f, 65504);
        assertThat(file.tensor("i64").toLongs()).containsExactly(1L << 40, -1);
        assertThat(file.tensor("i32").toDoubles()).containsExactly(7, -8);
        assertThat(file.tensor("i16").toDoubles()).containsExactly(-300);
        assertThat(file.tensor("i8").toDoubles()).containsExactly(-5, 5);
        assertThat(file.tensor("u8").toDoubles()).containsExactly(0, 255);
        assertThat(file.tensor("bool").toDoubles()).containsExactly(1, 0, 1);
        assertThat(file.tensor("scalar").shape()).isEmpty();
        assertThat(file.tensor("scalar").toFloats()).containsExactly(3.25f);
        assertThat(file.tensor("empty").shape()).containsExactly(0L, 4L);
        assertThat(file.tensor("empty").toFloats()).isEmpty();
        assertThat(file.tensor("näme/ü").toFloats()).containsExactly(1);
        assertThat(SafetensorsFile.map(fixture("bf16.safetensors"), arena)
                        .tensor("bf16")
                        .toFloats())
                .containsExactly(1, -3.5f, Float.intBitsToFloat(0x714a0000));
    }

    @Test
    void writesTheBytesOfTheReferenceWriter() throws IOException {
        for (String name : List.of("reference.safetensors", "plain.safetensors", "bf16.safetensors")) {
            SafetensorsFile file = SafetensorsFile.map(fixture(name), arena);
            Path copy = folder.resolve(name);
            SafetensorsWriter.write(
                    copy, file.metadata(), file.tensors().stream().toList().reversed());
            assertThat(Files.readAllBytes(copy)).isEqualTo(Files.readAllBytes(fixture(name)));
        }
    }

    @Test
    void pythonReadsWhatJavaWrites() throws IOException, InterruptedException {
        Process probe = new ProcessBuilder("python3", "-c", "import safetensors.numpy")
                .redirectErrorStream(true)
                .start();
        probe.getInputStream().readAllBytes();
        Assumptions.assumeTrue(probe.waitFor() == 0, "skipped: python3 with safetensors and numpy is not installed");

        Path path = folder.resolve("java.safetensors");
        float[] values = new float[31 * 33];
        Random random = new Random(7);
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat();
        }
        SafetensorsWriter.write(
                path,
                Map.of("a \"quoted\" key", "line\nbreak"),
                List.of(
                        StoredTensor.floats(arena, "layer1.0.conv1.weight", List.of(31L, 33L), values),
                        StoredTensor.longs(arena, "num_batches_tracked", List.of(), 12)));
        Process python = new ProcessBuilder("python3", "-c", """
                        import sys, safetensors
                        f = safetensors.safe_open(sys.argv[1], 'numpy')
                        t = f.get_tensor('layer1.0.conv1.weight')
                        n = f.get_tensor('num_batches_tracked')
                        print(f.metadata(), t.shape, t.dtype, float(t.astype('f8').sum()), n.shape, int(n))
                        """, path.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(python.getInputStream().readAllBytes()).strip();
        assertThat(python.waitFor()).as(output).isZero();
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        assertThat(output)
                .startsWith("{'a \"quoted\" key': 'line\\nbreak'} (31, 33) float32 ")
                .endsWith(" () 12");
        assertThat(Double.parseDouble(output.split(" ")[7])).isCloseTo(sum, within(1e-9));
    }

    @Test
    void tensorsAreViewsOfTheFileAndEndWithTheArena() {
        StoredTensor tensor;
        try (Arena own = Arena.ofConfined()) {
            tensor = SafetensorsFile.map(fixture("plain.safetensors"), own).tensor("x");
            assertThat(tensor.data().isMapped()).isTrue();
            assertThat(tensor.data().isReadOnly()).isTrue();
        }
        assertThatThrownBy(tensor::toFloats).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aMissingTensorOrFileNamesItself() {
        SafetensorsFile file = SafetensorsFile.map(fixture("plain.safetensors"), arena);
        assertThatThrownBy(() -> file.tensor("fc.weight"))
                .hasMessage(fixture("plain.safetensors") + ": has no tensor 'fc.weight'");
        assertThatThrownBy(() -> SafetensorsFile.map(folder.resolve("none"), arena))
                .isInstanceOf(CulvertException.class)
                .hasMessage(folder.resolve("none") + ": no such file");
        assertThatThrownBy(() -> SafetensorsFile.map(folder, arena)).hasMessageContaining("not a regular file");
    }

    @Test
    void aFailedWriteKeepsTheOldFile() throws IOException {
        Path path = folder.resolve("old.safetensors");
        Files.copy(fixture("plain.safetensors"), path);
        StoredTensor x = StoredTensor.floats(arena, "x", List.of(1L), 1);
        assertThatThrownBy(() -> SafetensorsWriter.write(path, Map.of(), List.of(x, x)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(path).hasSameBinaryContentAs(fixture("plain.safetensors"));
    }
}
