package io.culvert.method;

import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.ops.bce.BceWithLogitsOp;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.List;

/** Training with labels from scratch, the study's yardstick: one logit, binary cross-entropy, defects weighed up. */
public final class Supervised implements Method {
    private final Backbone backbone;
    private final Parameter weight;
    private final Parameter bias;
    private final double positiveWeight;

    /** @param positiveWeight of a defect in the loss; normals / defects balances the classes */
    public Supervised(Backbone backbone, double positiveWeight) {
        this.backbone = backbone;
        this.positiveWeight = positiveWeight;
        weight = backbone.store().parameter("classifier.weight", 1, backbone.features());
        bias = backbone.store().parameter("classifier.bias", 1);
    }

    @Override
    public String name() {
        return "supervised";
    }

    @Override
    public int views() {
        return 1;
    }

    @Override
    public void initialise(Init init) {
        init.torchLinear(weight, bias);
    }

    @Override
    public Recorded record(Tape tape, List<Tensor> pixels) {
        Tensor features = backbone.record(tape, pixels.getFirst(), true, views());
        Tensor logits = LinearOp.record(tape, "classifier", features, weight, bias);
        Tensor labels = tape.input(Tensor.f32("labels", pixels.getFirst().shape().at(0)));
        Tensor loss = BceWithLogitsOp.record(
                tape, "bce", CastOp.record(tape, "logits.f32", logits, DType.F32), labels, positiveWeight);
        return new Recorded(loss, features, logits).withLabels(labels);
    }
}
