package io.culvert.verify;

import io.culvert.CulvertException;
import io.culvert.data.DefectCode;
import io.culvert.device.RunArena;
import io.culvert.metric.MetricCase;
import io.culvert.safetensors.StoredTensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Metrics: one number from scores and labels, embeddings, or two rankings. */
final class MetricRunner implements CaseRunner {
    private static final double[] CLASS_WEIGHTS =
            Arrays.stream(DefectCode.values()).mapToDouble(DefectCode::weight).toArray();

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        Map<String, MetricCase.Array> inputs = new HashMap<>();
        vector.group("in").forEach((name, given) -> inputs.put(name, array(given)));
        try {
            double value = MetricCase.evaluate(vector.name(), vector.params(), inputs, CLASS_WEIGHTS);
            return Map.of("out/value", Computed.scalar(value));
        } catch (CulvertException e) {
            throw vector.fault("%s", e.getMessage());
        }
    }

    private static MetricCase.Array array(StoredTensor given) {
        return new MetricCase.Array(given.toDoubles(), TapeRun.extents(given.shape()));
    }
}
