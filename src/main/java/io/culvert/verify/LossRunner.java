package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.ops.barlow.BarlowTwinsOp;
import io.culvert.ops.bce.BceWithLogitsOp;
import io.culvert.ops.byol.ByolOp;
import io.culvert.ops.crossentropy.CrossEntropyOp;
import io.culvert.ops.dino.DinoOp;
import io.culvert.ops.mae.MaeOp;
import io.culvert.ops.ntxent.NtXentOp;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Losses. */
final class LossRunner implements CaseRunner {
    static final List<String> NAMES = List.of("simclr", "barlow_twins", "byol", "dino", "mae", "cross_entropy", "bce_with_logits");

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        TapeRun run = new TapeRun(vector, arena);
        return switch (vector.name()) {
            case "simclr" -> simClr(vector, run);
            case "barlow_twins" -> barlowTwins(vector, run);
            case "byol" -> byol(vector, run);
            case "dino" -> dino(vector, run);
            case "mae" -> mae(vector, run);
            case "cross_entropy" -> crossEntropy(run);
            case "bce_with_logits" -> bceWithLogits(vector, run);
            default -> throw vector.unknownName(NAMES);
        };
    }

    private static Map<String, Computed> simClr(VectorCase vector, TapeRun run) {
        Tensor z = run.input("z", both(vector, "z1", "z2"), batchOfBoth(vector, "z1"));
        Tensor loss = NtXentOp.record(run.tape, "simclr", z, vector.number("temperature"));
        return splitGradient(vector, run, run.runLoss(loss), z, "z1", "z2");
    }

    private static Map<String, Computed> barlowTwins(VectorCase vector, TapeRun run) {
        Tensor z = run.input("z", both(vector, "z1", "z2"), batchOfBoth(vector, "z1"));
        BarlowTwinsOp.Config config = new BarlowTwinsOp.Config(
                vector.number("lambda"), vector.number("scale"), vector.number("eps"));
        if (!(config.eps() > 0)) {
            throw vector.fault("parameter 'eps' must be positive, got %s", config.eps());
        }
        Tensor loss = BarlowTwinsOp.record(run.tape, "barlow_twins", z, config);
        return splitGradient(vector, run, run.runLoss(loss), z, "z1", "z2");
    }

    private static Map<String, Computed> byol(VectorCase vector, TapeRun run) {
        if (!vector.tensor("in/p1").shape().equals(vector.tensor("in/z1").shape())) {
            throw vector.fault("in/p1 and in/z1 must have one shape");
        }
        Tensor p = run.input("p", both(vector, "p1", "p2"), batchOfBoth(vector, "p1"));
        Tensor z = run.data("z", both(vector, "z1", "z2"), batchOfBoth(vector, "z1"));
        return splitGradient(vector, run, run.runLoss(ByolOp.record(run.tape, "byol", p, z)), p, "p1", "p2");
    }

    /** Two views, which a case has apart, as the one batch that losses take. */
    private static float[] both(VectorCase vector, String first, String second) {
        StoredTensor one = vector.tensor("in/" + first, 2);
        StoredTensor two = vector.tensor("in/" + second, 2);
        if (!one.shape().equals(two.shape())) {
            throw vector.fault("in/%s has shape %s, in/%s %s", first, one.shape(), second, two.shape());
        }
        float[] both = Arrays.copyOf(one.toFloats(), Math.toIntExact(2 * one.count()));
        System.arraycopy(two.toFloats(), 0, both, both.length / 2, both.length / 2);
        return both;
    }

    private static int[] batchOfBoth(VectorCase vector, String view) {
        int[] extents = TapeRun.extents(vector.tensor("in/" + view, 2).shape());
        extents[0] = Math.multiplyExact(2, extents[0]);
        return extents;
    }

    /** Adds the gradient of such a batch to what was computed, each view's under its own name. */
    private static Map<String, Computed> splitGradient(
            VectorCase vector, TapeRun run, Map<String, Computed> computed, Tensor batch, String first, String second) {
        if (!vector.expectsGradients()) {
            return computed;
        }
        List<Long> shape = vector.tensor("in/" + first).shape();
        double[] gradient = Computed.of(List.of(), run.gradient(batch)).values();
        int half = gradient.length / 2;
        Map<String, Computed> all = new LinkedHashMap<>(computed);
        all.put("grad/in/" + first, new Computed(shape, Arrays.copyOf(gradient, half)));
        all.put("grad/in/" + second, new Computed(shape, Arrays.copyOfRange(gradient, half, gradient.length)));
        return all;
    }

    private static Map<String, Computed> crossEntropy(TapeRun run) {
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

    private static Map<String, Computed> dino(VectorCase vector, TapeRun run) {
        Tensor student = run.input("student", 2, Layout.SAME);
        Tensor teacher = run.input("teacher", 2, Layout.SAME);
        Tensor center = run.store.buffer("center", student.shape().at(1));
        DinoOp.Config config = new DinoOp.Config(
                vector.number("student_temp"),
                vector.number("teacher_temp"),
                vector.number("center_momentum"),
                vector.integer("crops"));
        try {
            return run.runLoss(DinoOp.record(run.tape, "dino", student, teacher, center, config).loss());
        } catch (IllegalArgumentException e) {
            throw vector.fault("%s", e.getMessage());
        }
    }

    private static Map<String, Computed> mae(VectorCase vector, TapeRun run) {
        Tensor pred = run.input("pred", 3, Layout.SAME);
        Tensor image = run.input("image", 4, Layout.CHANNELS_LAST);
        Tensor mask = run.input("mask", 2, Layout.SAME);
        try {
            return run.runLoss(MaeOp.record(
                    run.tape, "mae", pred, image, mask, vector.integer("patch"), vector.flag("norm_pix")));
        } catch (IllegalArgumentException e) {
            throw vector.fault("%s", e.getMessage());
        }
    }
}
