package io.culvert.method;

import io.culvert.model.Backbone;
import io.culvert.model.DinoHead;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.concat.ConcatRowsOp;
import io.culvert.ops.dino.DinoOp;
import io.culvert.ops.ranks.AverageOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * DINO (Caron et al. 2021): from any view of an image the student must answer as a slowly following teacher answers to
 * another, of the two large ones. The teacher's answers are centred, which keeps it from always choosing one prototype, and
 * sharpened, which keeps it from choosing none. Batch normalisation sees each view apart, the local ones too.
 */
public final class Dino implements Method {
    private static final int GLOBAL_VIEWS = 2;

    private final Backbone backbone;
    private final DinoHead head;
    private final Teacher teacher;
    private final Tensor center;
    private final Config config;
    private DinoOp loss;

    /**
     * @param head of student and teacher
     * @param studentTemperature of the softmax over the student's logits
     * @param teacherTemperature of that over the teacher's
     * @param centerMomentum share of itself that the centre keeps in a step
     * @param localViews small views of an image that the student alone sees
     */
    public record Config(
            DinoHead.Config head,
            double studentTemperature,
            TeacherTemperature teacherTemperature,
            double centerMomentum,
            int localViews) {}

    /**
     * @param backbones makes a backbone of the same kind in another store
     * @param momentum of the teacher
     */
    public Dino(
            Backbone backbone, Function<ParameterStore, Backbone> backbones, Config config, MomentumCosine momentum) {
        this.backbone = backbone;
        this.config = config;
        int features = backbone.features();
        head = new DinoHead(backbone.store(), "head", features, config.head);
        center = backbone.store().buffer("center", 1, config.head.prototypes());
        teacher = new Teacher(
                backbone.store(), backbones, store -> new DinoHead(store, "head", features, config.head), momentum);
    }

    @Override
    public String name() {
        return "dino";
    }

    @Override
    public int views() {
        return GLOBAL_VIEWS;
    }

    @Override
    public int localViews() {
        return config.localViews;
    }

    @Override
    public void initialise(Init init) {
        head.initialise(init);
        center.set(new float[Math.toIntExact(center.shape().count())]);
    }

    @Override
    public void prepare(int step) {
        loss.teacherTemperature(config.teacherTemperature.at(step));
    }

    @Override
    public Optional<Teacher> teacher() {
        return Optional.of(teacher);
    }

    /** That of even probabilities. */
    @Override
    public double trivialLoss(int batch) {
        return Math.log(config.head.prototypes());
    }

    @Override
    public List<Parameter> lastLayer() {
        return head.lastLayer();
    }

    /** The head sees all views at once, after the encoder has seen those of each size at once. */
    @Override
    public Recorded record(Tape tape, List<Tensor> pixels) {
        Tensor global = pixels.getFirst();
        Tensor target = teacher.record(tape, global, GLOBAL_VIEWS);
        Tensor features = backbone.record(tape, global, true, GLOBAL_VIEWS);
        Tensor all = features;
        if (config.localViews > 0) {
            Tensor local = backbone.record(tape, pixels.get(1), true, config.localViews);
            all = ConcatRowsOp.record(tape, "views", features, local);
        }
        int crops = GLOBAL_VIEWS + config.localViews;
        Tensor embeddings = head.embed(tape, all, crops);
        Tensor logits = head.classify(tape, embeddings);
        DinoOp.Config of = new DinoOp.Config(
                config.studentTemperature, config.teacherTemperature.at(0), config.centerMomentum, crops);
        loss = DinoOp.record(
                tape, "dino", CastOp.record(tape, "student.f32", logits, DType.F32),
                CastOp.record(tape, "teacher.f32", target, DType.F32), center, of);
        AverageOp.record(tape, "center of all ranks", center);
        return new Recorded(loss.loss(), features, embeddings)
                .withScalars(Map.of("teacher_entropy", loss.teacherEntropy()));
    }
}
