package io.culvert.method;

import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.model.Mlp;
import io.culvert.ops.Tape;
import io.culvert.ops.byol.ByolOp;
import io.culvert.ops.cast.CastOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * BYOL (Grill et al. 2020): from one view's projection the student predicts the projection that a slowly following
 * teacher makes of the other view. The loss is the mean over both pairings, as in solo-learn and the study's code.
 */
public final class Byol implements Method {
    private final Backbone backbone;
    private final Mlp projector;
    private final Mlp predictor;
    private final Teacher teacher;

    /**
     * @param backbones makes a backbone of the same kind in another store
     * @param hidden width of the hidden layers of projector and predictor
     * @param dim width of the projections
     * @param momentum of the teacher
     */
    public Byol(Backbone backbone, Function<ParameterStore, Backbone> backbones, int hidden, int dim,
            MomentumCosine momentum) {
        this.backbone = backbone;
        int features = backbone.features();
        projector = new Mlp(backbone.store(), "projector", true, features, hidden, dim);
        predictor = new Mlp(backbone.store(), "predictor", true, dim, hidden, dim);
        teacher = new Teacher(
                backbone.store(), backbones, store -> new Mlp(store, "projector", true, features, hidden, dim), momentum);
    }

    @Override
    public String name() {
        return "byol";
    }

    @Override
    public int views() {
        return 2;
    }

    /** 0: every prediction is right, whatever the image. */
    @Override
    public double trivialLoss(int batch) {
        return 0;
    }

    @Override
    public void initialise(Init init) {
        projector.initialise(init);
        predictor.initialise(init);
    }

    @Override
    public Optional<Teacher> teacher() {
        return Optional.of(teacher);
    }

    @Override
    public Recorded record(Tape tape, List<Tensor> pixels) {
        Tensor target = teacher.record(tape, pixels.getFirst(), views());
        Tensor features = backbone.record(tape, pixels.getFirst(), true, views());
        Tensor embeddings = projector.record(tape, features, views());
        Tensor prediction = predictor.record(tape, embeddings, views());
        Tensor loss = ByolOp.record(
                tape, "byol", CastOp.record(tape, "prediction.f32", prediction, DType.F32),
                CastOp.record(tape, "target.f32", target, DType.F32));
        return new Recorded(loss, features, embeddings);
    }
}
