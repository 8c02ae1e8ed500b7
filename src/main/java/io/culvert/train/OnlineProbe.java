package io.culvert.train;

import io.culvert.device.RunArena;
import io.culvert.metric.Ranking;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.ops.bce.BceWithLogitsOp;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.detach.DetachOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.optim.AdamW;
import io.culvert.optim.Optimizer;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.Map;

/**
 * A linear classifier that learns beside the encoder, on the features of each step and without a gradient into the encoder:
 * one logit an image and view, binary cross-entropy that weighs defects by normals / defects, AdamW at a constant rate
 * without decay. It shows while a run goes on what its features are worth; the probe that counts is fitted afterwards.
 */
public final class OnlineProbe {
    /** As the study's, at every batch size. */
    private static final double LEARNING_RATE = 1e-3;

    private static final double BETA1 = 0.9;
    private static final double EPS = 1e-8;

    private final ParameterStore store = new ParameterStore();
    private final Optimizer optimizer;
    private final Parameter weight;
    private final Parameter bias;
    private final double positiveWeight;
    private final int views;
    private Tensor labels;
    private Tensor logits;
    private Tensor loss;

    /**
     * Takes the memory of its weights and their moments, and sets them to their initial values.
     *
     * @param features width of the features
     * @param views of an image
     * @param positiveWeight of a defect in the loss
     * @param beta2 of AdamW; the study's code has 0 for some methods
     */
    OnlineProbe(RunArena arena, int features, int views, double positiveWeight, double beta2, long seed) {
        this.views = views;
        this.positiveWeight = positiveWeight;
        weight = store.parameter("probe.weight", 1, features);
        bias = store.parameter("probe.bias", 1);
        store.allocate(arena);
        new Init(seed).torchLinear(weight, bias);
        store.valuesChanged();
        optimizer = new AdamW(arena, store, BETA1, beta2, EPS, 0);
    }

    /** Records it on the tape of a step; what was recorded last counts. */
    void record(Tape tape, Tensor features) {
        Tensor x = DetachOp.record(tape, "probe.detach", CastOp.record(tape, "probe.features", features, DType.F32));
        logits = tape.keep(LinearOp.record(tape, "probe", x, weight, bias));
        labels = tape.input(Tensor.f32("probe.labels", features.shape().at(0)));
        loss = BceWithLogitsOp.record(tape, "probe.bce", logits, labels, positiveWeight);
    }

    /** {@code [views * B]}, to be filled before each step: 1 for a defect. */
    Tensor labels() {
        return labels;
    }

    /** Views that the labels are repeated for. */
    int views() {
        return views;
    }

    ParameterStore store() {
        return store;
    }

    Optimizer optimizer() {
        return optimizer;
    }

    /** Makes no update of a step whose own loss is not finite. */
    void guard(Tensor scalar) {
        optimizer.guard(scalar);
    }

    void prepare() {
        optimizer.prepare(LEARNING_RATE);
    }

    void zeroGradients() {
        store.zeroGradients();
    }

    void update() {
        optimizer.update();
    }

    /** Adds the loss and the AUROC of the last step's batch; the latter where it has images of both kinds. */
    void report(Map<String, Number> line) {
        line.put("probe_loss", loss.item());
        float[] scores = logits.toFloats();
        float[] truth = labels.toFloats();
        double[] score = new double[scores.length];
        int[] label = new int[scores.length];
        int positives = 0;
        for (int i = 0; i < scores.length; i++) {
            if (Float.isNaN(scores[i])) {
                return;
            }
            score[i] = scores[i];
            label[i] = Math.round(truth[i]);
            positives += label[i];
        }
        if (positives > 0 && positives < label.length) {
            line.put("probe_auroc", Ranking.of(score, label).auroc());
        }
    }
}
