package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.ops.ntxent.NtXentOp;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Losses. */
final class LossRunner implements CaseRunner {
    static final List<String> NAMES = List.of("simclr");

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        return switch (vector.name()) {
            case "simclr" -> simClr(vector, arena);
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
}
