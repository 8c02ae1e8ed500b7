package io.culvert.verify;

import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.conv2d.Conv2dOp;
import io.culvert.ops.pool.GlobalAvgPoolOp;
import io.culvert.ops.pool.MaxPoolOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A stem and one residual block: every op of ResNet-18, few numbers. The network of trajectories. */
public final class SmallBackbone implements Backbone {
    private static final int WIDTH = 24;

    private final ParameterStore store;
    private final Parameter stem;
    private final Parameter branch;
    private final Parameter shortcut;
    private final BatchNormState stemNorm;
    private final BatchNormState branchNorm;
    private final BatchNormState shortcutNorm;

    public SmallBackbone(ParameterStore store) {
        this.store = store;
        stem = store.parameter("stem.weight", WIDTH, 3, 7, 7);
        stemNorm = BatchNormState.declare(store, "stem_norm", WIDTH);
        branch = store.parameter("branch.weight", WIDTH, WIDTH, 3, 3);
        branchNorm = BatchNormState.declare(store, "branch_norm", WIDTH);
        shortcut = store.parameter("shortcut.weight", WIDTH, WIDTH, 1, 1);
        shortcutNorm = BatchNormState.declare(store, "shortcut_norm", WIDTH);
    }

    @Override
    public String name() {
        return "small";
    }

    @Override
    public int features() {
        return WIDTH;
    }

    @Override
    public ParameterStore store() {
        return store;
    }

    @Override
    public List<Parameter> parameters() {
        return store.parameters();
    }

    @Override
    public Map<String, Tensor> buffers() {
        Map<String, Tensor> own = new LinkedHashMap<>(store.buffers());
        own.keySet().removeIf(name -> !name.contains("_norm."));
        return own;
    }

    @Override
    public void initialise(Init init) {
        List.of(stem, branch, shortcut).forEach(init::kaimingNormalFanOut);
        for (BatchNormState norm : List.of(stemNorm, branchNorm, shortcutNorm)) {
            init.constant(norm.weight(), 1f);
        }
    }

    @Override
    public Tensor record(Tape tape, Tensor pixels, boolean training, int views) {
        BatchNormOp.Config plain = BatchNormOp.Config.TORCH.withGroups(views);
        BatchNormOp.Config relu = plain.withRelu(true);
        Tensor h = Conv2dOp.record(tape, "stem", pixels, stem, 2, 3);
        h = BatchNormOp.record(tape, "stem_norm", h, null, stemNorm, relu, training);
        h = MaxPoolOp.record(tape, "pool", h, 3, 2, 1);
        Tensor aside = Conv2dOp.record(tape, "shortcut", h, shortcut, 2, 0);
        aside = BatchNormOp.record(tape, "shortcut_norm", aside, null, shortcutNorm, plain, training);
        h = Conv2dOp.record(tape, "branch", h, branch, 2, 1);
        h = BatchNormOp.record(tape, "branch_norm", h, aside, branchNorm, relu, training);
        return GlobalAvgPoolOp.record(tape, "global_pool", h);
    }
}
