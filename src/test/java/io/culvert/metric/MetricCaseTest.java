package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import io.culvert.data.DefectCode;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MetricCaseTest {
    private static final double[] CIW = Arrays.stream(DefectCode.values()).mapToDouble(DefectCode::weight).toArray();

    static Stream<Path> vectors() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("test/resources/vectors"))) {
            return files.filter(f -> f.getFileName().toString().startsWith("metric_")).sorted().toList().stream();
        }
    }

    /** The values of tools/vectors/metrics.py: scikit-learn, SciPy and NumPy. */
    @ParameterizedTest
    @MethodSource("vectors")
    void agreesWithScikitLearn(Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.map(path, arena);
            Map<String, MetricCase.Array> inputs = new HashMap<>();
            for (StoredTensor tensor : file.tensors()) {
                if (tensor.name().startsWith("in/")) {
                    int[] shape = tensor.shape().stream().mapToInt(Long::intValue).toArray();
                    inputs.put(tensor.name().substring(3), new MetricCase.Array(tensor.toDoubles(), shape));
                }
            }
            @SuppressWarnings("unchecked")
            Map<String, Object> params = new ObjectMapper().readValue(file.metadata().get("params"), Map.class);
            double got = MetricCase.evaluate(file.metadata().get("name"), params, inputs, CIW);
            assertThat(got).isCloseTo(file.tensor("out/value").get(0), within(1e-9));
        }
    }

    @Test
    void parametersOverrideTheClassWeights() {
        Map<String, MetricCase.Array> inputs = Map.of(
                "scores", new MetricCase.Array(new double[] {0.9, 0.9, 0.1, 0.1}, 2, 2),
                "labels", MetricCase.Array.of(new long[] {1, 0, 0, 1}, 2, 2));
        double first = MetricCase.evaluate("f2_ciw", Map.of("weights", List.of(1, 0)), inputs, CIW);
        double second = MetricCase.evaluate("f2_ciw", Map.of("weights", List.of(0, 1)), inputs, CIW);
        assertThat(new double[] {first, second}).containsExactly(1, 0);
    }

    @Test
    void saysWhatIsWrongWithACase() {
        Map<String, MetricCase.Array> inputs = Map.of(
                "scores", MetricCase.Array.of(new float[] {1, 2}, 2),
                "labels", MetricCase.Array.of(new long[] {0, 1}, 2));
        fails("auprc", Map.of(), inputs, "unknown metric 'auprc'; known: auroc");
        fails("fbeta", Map.of("threshold", 0.5), inputs, "fbeta: parameter 'beta' is missing");
        fails("fbeta", Map.of("beta", "two"), inputs, "parameter 'beta' must be a number, got 'two'");
        fails("rankme", Map.of(), inputs, "rankme: input 'embeddings' is missing");
        fails("f1_normal", Map.of(), inputs, "input 'scores' must have 2 axes, its shape is [2]");
        Map<String, MetricCase.Array> fractions = Map.of(
                "scores", new MetricCase.Array(new double[] {1, 2}, 2),
                "labels", new MetricCase.Array(new double[] {0, 0.5}, 2));
        fails("auroc", Map.of(), fractions, "label 1 is 0.5");
    }

    private static void fails(String name, Map<String, Object> params, Map<String, MetricCase.Array> inputs,
            String say) {
        assertThatThrownBy(() -> MetricCase.evaluate(name, params, inputs, CIW))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining(say);
    }
}
