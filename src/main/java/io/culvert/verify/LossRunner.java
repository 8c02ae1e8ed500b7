package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.ops.bce.BceWithLogitsOp;
import io.culvert.ops.crossentropy.CrossEntropyOp;
import io.culvert.ops.ntxent.NtXentOp;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Losses. */
final class LossRunner implements CaseRunner {
    static final List<String> NAMES = List.of("simclr", "cross_entropy", "bce_with_logits");

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        return switch (vector.name()) {
            case "simclr" -> simClr(vector, arena);
            case "cross_entropy" -> crossEntropy(vector, new TapeRun(vector, arena));
            case "bce_with_logits" -> bceWithLogits(vector, new TapeRun(vector, arena));
            default -> throw vector.unknownName(NAMES);
        };
    }

    /** The loss takes both views as one batch. */
    private static Map<String, Computed> simClr(VectorCase vector, RunArena arena) {
        StoredTensor z1 = vector.tensor("in/z1", 2);
        StoredTensor z2 = vector.tensor("in/z2", 2);
        if (!z1.shape().equals(z2.shape())) {
            throw vector.fault("in/z1 has shape %s, in/z2 %s", z1.shape(), z2.shape());
        }
        float[] first = z1.toFloats();
        float[] both = Arrays.copyOf(first, 2 * first.length);
        System.arraycopy(z2.toFloats(), 0, both, first.length, first.length);

        TapeRun run = new TapeRun(vector, arena);
        int[] extents = TapeRun.extents(z1.shape());
        Tensor z = run.input("z", both, 2 * extents[0], extents[1]);
        Map<String, Computed> computed =
                new LinkedHashMap<>(run.runLoss(NtXentOp.record(run.tape, "simclr", z, vector.number("temperature"))));
        if (vector.expectsGradients()) {
            double[] gradient = Computed.of(List.of(), run.gradient(z)).values();
            computed.put("grad/in/z1", new Computed(z1.shape(), Arrays.copyOf(gradient, first.length)));
            computed.put(
                    "grad/in/z2",
                    new Computed(z2.shape(), Arrays.copyOfRange(gradient, first.length, gradient.length)));
        }
        return computed;
    }

    private static Map<String, Computed> crossEntropy(VectorCase vector, TapeRun run) {
        Tensor logits = run.input("logits", 2, Layout.SAME);
        Tensor labels = run.labels("labels", logits.shape().at(0), logits.shape().at(1));
        return run.runLoss(CrossEntropyOp.record(run.tape, "cross_entropy", logits, labels));
    }

    private static Map<String, Computed> bceWithLogits(VectorCase vector, TapeRun run) {
        Tensor logits = run.input("logits", Layout.SAME);
        Tensor labels = run.input("labels", Layout.SAME);
        if (!labels.shape().equals(logits.shape())) {
            throw vector.fault("in/labels has shape %s, in/logits %s", labels.shape(), logits.shape());
        }
        double weight = vector.number("pos_weight");
        if (!(weight >= 0)) {
            throw vector.fault("parameter 'pos_weight' must not be negative, got %s", weight);
        }
        return run.runLoss(BceWithLogitsOp.record(run.tape, "bce_with_logits", logits, labels, weight));
    }
}
