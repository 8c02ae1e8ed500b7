package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.SafetensorsWriter;
import io.culvert.safetensors.StoredTensor;
import io.culvert.safetensors.StoredType;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class VerifyCommandTest {
    private static final Path VECTORS = Path.of("test/resources/vectors");
    private static final String RELU = "op_relu_1x5x37.safetensors";

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int verify(Object... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        List<String> all = new ArrayList<>(List.of("verify"));
        for (Object arg : args) {
            all.add(arg.toString());
        }
        return commandLine.execute(all.toArray(String[]::new));
    }

    /** Changes a tensor or the metadata of a vector. */
    private interface Change {
        void apply(Map<String, String> metadata, Map<String, StoredTensor> tensors, Arena arena);
    }

    private Path changed(String vector, Change change) {
        Path copy = folder.resolve(vector);
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.map(VECTORS.resolve(vector), arena);
            Map<String, String> metadata = new HashMap<>(file.metadata());
            Map<String, StoredTensor> tensors = new HashMap<>();
            file.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
            change.apply(metadata, tensors, arena);
            SafetensorsWriter.write(copy, metadata, tensors.values());
        }
        return copy;
    }

    /** The tensor with its first element replaced. */
    private static StoredTensor withFirst(StoredTensor tensor, double value, Arena arena) {
        MemorySegment data = arena.allocate(tensor.data().byteSize()).copyFrom(tensor.data());
        if (tensor.type() == StoredType.F64) {
            data.set(ValueLayout.JAVA_DOUBLE, 0, value);
        } else {
            data.set(ValueLayout.JAVA_FLOAT, 0, (float) value);
        }
        return new StoredTensor(tensor.name(), tensor.type(), tensor.shape(), data);
    }

    private static Change expecting(String tensor, double first) {
        return (metadata, tensors, arena) -> tensors.compute(tensor, (name, old) -> withFirst(old, first, arena));
    }

    @Test
    void everyVectorOfTheTreePasses() throws IOException {
        assertThat(verify(VECTORS)).as(out.toString() + err).isZero();
        long files;
        try (var all = Files.list(VECTORS)) {
            files = all.count();
        }
        assertThat(files).isGreaterThan(100);
        assertThat(out.toString()).contains(files + " passed, 0 failed, 0 malformed or unknown (cpu");
        assertThat(out.toString().lines()).hasSize((int) files + 2);
        assertThat(err.toString()).isEmpty();
    }

    /** One value off in any expected tensor is seen, and the tensor is named. */
    @ParameterizedTest
    @CsvSource({
        "op_conv2d_2x3x9x7_5x3x3_s1p1.safetensors, out/y",
        "op_conv2d_2x3x9x7_5x3x3_s1p1.safetensors, grad/in/x",
        "op_conv2d_2x3x9x7_5x3x3_s1p1.safetensors, grad/param/weight",
        "op_batch_norm_6x5x3x3.safetensors, out/buffer/running_var",
        "op_batch_norm_eval_5x7.safetensors, grad/param/bias",
        "op_linear_3x37_75_bias.safetensors, grad/param/bias",
        "op_max_pool2d_2x3x8x8_k3s2p1.safetensors, grad/in/x",
        "op_global_avg_pool_2x33x7x7.safetensors, out/y",
        "op_l2_normalize_33x31.safetensors, grad/in/x",
        "op_relu_1x5x37.safetensors, grad/in/x",
        "loss_simclr_7x64_t0.2.safetensors, out/loss",
        "loss_simclr_7x64_t0.2.safetensors, grad/in/z2",
        "opt_sgd_0.safetensors, out/w",
        "opt_lars_0.safetensors, out/w",
        "tf_flip_23x31.safetensors, out/y",
        "metric_auroc_31_p0.3_d1.safetensors, out/value",
    })
    void aWrongValueFails(String vector, String tensor) {
        Path path = changed(vector, expecting(tensor, 7));
        assertThat(verify(path)).isEqualTo(1);
        assertThat(out.toString()).contains("  fail   " + tensor).contains("0 passed, 1 failed");
        assertThat(err.toString()).isEmpty();
    }

    /** Wrong inputs show too: the expected values follow from them. */
    @ParameterizedTest
    @CsvSource({
        "op_linear_3x37_75_bias.safetensors, param/bias",
        "op_batch_norm_eval_5x7.safetensors, buffer/running_mean",
        "op_relu_1x5x37.safetensors, gradout/y",
        "opt_sgd_0.safetensors, in/grad.1/w",
    })
    void aWrongInputFails(String vector, String tensor) {
        assertThat(verify(changed(vector, expecting(tensor, 7)))).isEqualTo(1);
        assertThat(out.toString()).contains("  fail   ");
    }

    @Test
    void aTensorThatIsNotComputedOrOfAnotherShapeFails() {
        Path missing = changed(
                RELU,
                (metadata, tensors, arena) ->
                        tensors.put("out/z", StoredTensor.floats(arena, "out/z", List.of(1L), 1)));
        assertThat(verify(missing)).isEqualTo(1);
        assertThat(out.toString()).contains("  -           fail   out/z: missing");
        Path shape = changed(
                RELU,
                (metadata, tensors, arena) -> tensors.compute(
                        "out/y", (name, old) -> new StoredTensor(name, old.type(), List.of(5L, 37L), old.data())));
        assertThat(verify(shape)).isEqualTo(1);
        assertThat(out.toString()).contains("fail   out/y: shape [1, 5, 37], expected [5, 37]");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
    void aComputedValueThatIsNotFiniteFails(double value) {
        Path path = changed(RELU, expecting("in/x", value));
        assertThat(verify(path)).isEqualTo(1);
        assertThat(out.toString()).contains("fail   out/y: holds ");
    }

    @Test
    void anExpectedValueThatIsNotFiniteNeverPasses() {
        assertThat(verify(changed(RELU, expecting("out/y", Double.NaN)))).isEqualTo(1);
        assertThat(out.toString()).contains("fail   out/y: the expected values are not finite");
    }

    @Test
    void theLargerOfBothTolerancesCounts() {
        Path own = changed(RELU, (metadata, tensors, arena) -> {
            metadata.put("tolerance", "0.5");
            StoredTensor y = tensors.get("out/y");
            tensors.put("out/y", withFirst(y, y.get(0) + 1, arena));
        });
        assertThat(verify(own)).isZero();
        assertThat(verify("--tolerance", "0.6", own)).isZero();
        Path strict = changed(RELU, (metadata, tensors, arena) -> {
            StoredTensor y = tensors.get("out/y");
            tensors.put("out/y", withFirst(y, y.get(0) + 1, arena));
        });
        assertThat(verify(strict)).isEqualTo(1);
        assertThat(verify("--tolerance", "0.6", strict)).isZero();
        assertThat(verify("--tolerance", "-1", strict)).isEqualTo(2);
    }

    /** Metadata key, its value (none removes it), and what the error says. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "kind      | ops        | unknown kind 'ops'; did you mean 'op'?",
                "kind      |            | metadata lacks 'kind'",
                "name      | dropout    | unknown or unsupported op 'dropout'; supported: conv2d",
                "name      |            | metadata lacks 'name'",
                "name      | conv2d     | tensor 'in/x' must have 4 axes, has shape [1, 5, 37]",
                "name      | linear     | has no tensor 'param/weight'",
                "params    | [1]        | metadata 'params' is no JSON object",
                "params    | {          | metadata 'params' is no JSON object",
                "params    |            | metadata lacks 'params'",
                "tolerance | wide       | metadata 'tolerance' is no number: 'wide'",
                "tolerance | NaN        | metadata 'tolerance' is out of range: 'NaN'",
            })
    void aMalformedOrUnknownCaseIsAnErrorWithTheFilesName(String key, String value, String fault) {
        Path path = changed(RELU, (metadata, tensors, arena) -> {
            if (value == null) {
                metadata.remove(key);
            } else {
                metadata.put(key, value);
            }
        });
        assertThat(verify(path)).isEqualTo(2);
        assertThat(err.toString()).startsWith("culvert: error: " + path + ": ").contains(fault);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(out.toString()).contains("  error").contains("1 malformed or unknown");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "loss_simclr_2x3_t0.5.safetensors",
                "opt_sgd_0.safetensors",
                "tf_flip_23x31.safetensors",
                "metric_auroc_31_p0.3_d1.safetensors"
            })
    void anUnknownNameOfEachKindIsAnErrorThatNamesWhatThereIs(String vector) {
        Path path = changed(vector, (metadata, tensors, arena) -> metadata.put("name", "foo"));
        assertThat(verify(path)).isEqualTo(2);
        assertThat(err.toString())
                .startsWith("culvert: error: " + path + ": unknown")
                .contains("'foo'")
                .containsPattern("simclr|sgd, lars|horizontal_flip|auroc");
    }

    @Test
    void tensorsThatFitNothingAreErrors() {
        Path group = changed(
                RELU,
                (metadata, tensors, arena) ->
                        tensors.put("outs/y", StoredTensor.floats(arena, "outs/y", List.of(1L), 1)));
        assertThat(verify(group)).isEqualTo(2);
        assertThat(err.toString()).contains("tensor 'outs/y' is in none of the groups");
        Path nothing = changed(
                RELU,
                (metadata, tensors, arena) ->
                        tensors.keySet().removeIf(name -> name.startsWith("out/") || name.startsWith("grad/")));
        assertThat(verify(nothing)).isEqualTo(2);
        assertThat(err.toString()).contains("expects nothing");
        Path unseeded = changed(RELU, (metadata, tensors, arena) -> tensors.remove("gradout/y"));
        assertThat(verify(unseeded)).isEqualTo(2);
        assertThat(err.toString()).contains("has no tensor 'gradout/y'");
        Path unfit = changed(
                "op_linear_3x37_75_bias.safetensors",
                (metadata, tensors, arena) ->
                        tensors.put("in/x", StoredTensor.floats(arena, "in/x", List.of(1L, 2L), 1, 2)));
        assertThat(verify(unfit)).isEqualTo(2);
        assertThat(err.toString()).contains(unfit + ": linear: ");
    }

    @Test
    void aBrokenFileIsAnErrorAndTheOthersStillRun() throws IOException {
        Files.copy(VECTORS.resolve(RELU), folder.resolve("b.safetensors"));
        Path broken = Files.write(folder.resolve("a.safetensors"), new byte[20]);
        assertThat(verify(folder)).isEqualTo(2);
        assertThat(err.toString()).startsWith("culvert: error: " + broken + ": not a valid safetensors file");
        assertThat(out.toString()).contains("1 passed, 0 failed, 1 malformed or unknown");
    }

    @Test
    void noCaseIsAFailureAndNoSuchPathAnError() {
        assertThat(verify(folder)).isEqualTo(1);
        assertThat(err.toString()).contains("no .safetensors file found");
        assertThat(verify(folder.resolve("none"))).isEqualTo(2);
        assertThat(err.toString()).contains(folder.resolve("none") + ": no such file or folder");
        assertThat(verify("--device", "gpu", VECTORS)).isEqualTo(2);
        assertThat(err.toString()).contains("unknown device 'gpu'");
        assertThat(verify()).isEqualTo(2);
    }

    @Test
    void jsonHoldsEveryOutcome() throws IOException {
        Path good = VECTORS.resolve(RELU);
        Path bad = changed(RELU, expecting("out/y", 7));
        Path broken = Files.write(folder.resolve("a.safetensors"), new byte[20]);
        assertThat(verify("--json", good, bad, broken)).isEqualTo(2);
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get("passed").intValue()).isEqualTo(1);
        assertThat(json.get("failed").intValue()).isEqualTo(1);
        assertThat(json.get("errors").intValue()).isEqualTo(1);
        assertThat(json.get("cases")).hasSize(3);
        JsonNode failed = json.get("cases").get(1);
        assertThat(failed.get("file").textValue()).isEqualTo(bad.toString());
        assertThat(failed.get("status").textValue()).isEqualTo("fail");
        assertThat(failed.get("tensor").textValue()).isEqualTo("out/y");
        assertThat(failed.get("error").doubleValue()).isGreaterThan(0.1);
        assertThat(json.get("cases").get(2).get("message").textValue()).contains("not a valid safetensors file");
    }
}
