package io.culvert.method;

import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.model.Mlp;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.ntxent.NtXentOp;
import io.culvert.ops.ranks.GatherRowsOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * SimCLR (Chen et al. 2020): two views of each image must find each other among all views of the batch. Batch
 * normalisation sees the views apart, as in lightly, solo-learn and the study's code.
 */
public final class SimClr implements Method {
    private final Backbone backbone;
    private final Mlp head;
    private final double temperature;

    /**
     * @param hidden width of the projection head's hidden layer
     * @param dim width of the embeddings
     * @param temperature of the softmax over similarities
     */
    public SimClr(Backbone backbone, int hidden, int dim, double temperature) {
        this.backbone = backbone;
        this.temperature = temperature;
        head = new Mlp(backbone.store(), "projector", false, backbone.features(), hidden, dim);
    }

    @Override
    public String name() {
        return "simclr";
    }

    @Override
    public int views() {
        return 2;
    }

    /** {@code ln(2B - 1)}: every other view is as near as the right one. */
    @Override
    public double trivialLoss(int batch) {
        return Math.log(2 * batch - 1);
    }

    @Override
    public boolean comparesImages() {
        return true;
    }

    @Override
    public void initialise(Init init) {
        head.initialise(init);
    }

    @Override
    public Recorded record(Tape tape, List<Tensor> pixels) {
        Tensor features = backbone.record(tape, pixels.getFirst(), true, views());
        Tensor embeddings = head.record(tape, features, views());
        Tensor own = CastOp.record(tape, "embeddings.f32", embeddings, DType.F32);
        Tensor all = GatherRowsOp.record(tape, "embeddings.all", own, views());
        return new Recorded(NtXentOp.record(tape, "ntxent", all, temperature), features, embeddings);
    }
}
