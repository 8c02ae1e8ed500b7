package io.culvert.method;

import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.model.Mlp;
import io.culvert.ops.Tape;
import io.culvert.ops.barlow.BarlowTwinsOp;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.ranks.GatherRowsOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Barlow Twins (Zbontar et al. 2021): each dimension of the embedding must agree between two views of an image and be
 * uncorrelated with every other dimension.
 */
public final class BarlowTwins implements Method {
    private final Backbone backbone;
    private final Mlp projector;
    private final BarlowTwinsOp.Config loss;
    private final int dim;

    /**
     * @param hidden width of the projector's two hidden layers
     * @param dim width of the embeddings
     */
    public BarlowTwins(Backbone backbone, int hidden, int dim, BarlowTwinsOp.Config loss) {
        this.backbone = backbone;
        this.loss = loss;
        this.dim = dim;
        projector = new Mlp(backbone.store(), "projector", true, backbone.features(), hidden, hidden, dim);
    }

    @Override
    public String name() {
        return "barlow_twins";
    }

    @Override
    public int views() {
        return 2;
    }

    /** A column without variance correlates with none, itself included: {@code scale dim}. */
    @Override
    public double trivialLoss(int batch) {
        return loss.scale() * dim;
    }

    @Override
    public boolean comparesImages() {
        return true;
    }

    @Override
    public void initialise(Init init) {
        projector.initialise(init);
    }

    @Override
    public Recorded record(Tape tape, List<Tensor> pixels) {
        Tensor features = backbone.record(tape, pixels.getFirst(), true, views());
        Tensor embeddings = projector.record(tape, features, views());
        Tensor own = CastOp.record(tape, "embeddings.f32", embeddings, DType.F32);
        Tensor z = GatherRowsOp.record(tape, "embeddings.all", own, views());
        return new Recorded(BarlowTwinsOp.record(tape, "barlow_twins", z, loss), features, embeddings);
    }
}
