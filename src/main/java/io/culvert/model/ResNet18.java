package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.conv2d.Conv2dOp;
import io.culvert.ops.pool.GlobalAvgPoolOp;
import io.culvert.ops.pool.MaxPoolOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ResNet-18 (He et al. 2016, table 1) without its classifier: 11,176,512 parameters, 512 features, named and computed
 * as timm's and torchvision's {@code resnet18}.
 */
public final class ResNet18 implements Backbone {
    private static final int[] WIDTHS = {64, 128, 256, 512};

    private final ParameterStore store;
    private final boolean zeroInitResidual;
    private final Parameter conv1;
    private final BatchNormState bn1;
    private final List<BasicBlock> blocks = new ArrayList<>();
    private final List<Parameter> parameters;
    private final Map<String, Tensor> buffers;

    /** @param zeroInitResidual start every residual branch at zero, as timm does and torchvision does not */
    public ResNet18(ParameterStore store, boolean zeroInitResidual) {
        this.store = store;
        this.zeroInitResidual = zeroInitResidual;
        conv1 = store.parameter("conv1.weight", 64, 3, 7, 7);
        bn1 = BatchNormState.declare(store, "bn1", 64);
        int in = 64;
        for (int layer = 0; layer < WIDTHS.length; layer++) {
            for (int block = 0; block < 2; block++) {
                int stride = layer > 0 && block == 0 ? 2 : 1;
                String name = "layer" + (layer + 1) + "." + block;
                blocks.add(new BasicBlock(store, name, in, WIDTHS[layer], stride));
                in = WIDTHS[layer];
            }
        }
        parameters = store.parameters();
        buffers = new LinkedHashMap<>(store.buffers());
    }

    /** Two 3x3 convolutions and a shortcut, which is a strided 1x1 convolution where the extents change. */
    private static final class BasicBlock {
        final String name;
        final int stride;
        final Parameter conv1;
        final BatchNormState bn1;
        final Parameter conv2;
        final BatchNormState bn2;
        final Parameter downsample;
        final BatchNormState downsampleBn;

        BasicBlock(ParameterStore store, String name, int in, int out, int stride) {
            this.name = name;
            this.stride = stride;
            conv1 = store.parameter(name + ".conv1.weight", out, in, 3, 3);
            bn1 = BatchNormState.declare(store, name + ".bn1", out);
            conv2 = store.parameter(name + ".conv2.weight", out, out, 3, 3);
            bn2 = BatchNormState.declare(store, name + ".bn2", out);
            boolean project = stride != 1 || in != out;
            downsample = project ? store.parameter(name + ".downsample.0.weight", out, in, 1, 1) : null;
            downsampleBn = project ? BatchNormState.declare(store, name + ".downsample.1", out) : null;
        }

        Tensor record(Tape tape, Tensor x, boolean training, BatchNormOp.Config plain) {
            Tensor shortcut = x;
            if (downsample != null) {
                Tensor projected = Conv2dOp.record(tape, name + ".downsample.0", x, downsample, stride, 0);
                shortcut = BatchNormOp.record(
                        tape, name + ".downsample.1", projected, null, downsampleBn, plain, training);
            }
            BatchNormOp.Config relu = plain.withRelu(true);
            Tensor h = Conv2dOp.record(tape, name + ".conv1", x, conv1, stride, 1);
            h = BatchNormOp.record(tape, name + ".bn1", h, null, bn1, relu, training);
            h = Conv2dOp.record(tape, name + ".conv2", h, conv2, 1, 1);
            return BatchNormOp.record(tape, name + ".bn2", h, shortcut, bn2, relu, training);
        }
    }

    @Override
    public String name() {
        return "resnet18";
    }

    @Override
    public int features() {
        return WIDTHS[WIDTHS.length - 1];
    }

    @Override
    public ParameterStore store() {
        return store;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    @Override
    public Map<String, Tensor> buffers() {
        return Collections.unmodifiableMap(buffers);
    }

    @Override
    public void initialise(Init init) {
        init.kaimingNormalFanOut(conv1);
        init.batchNorm(bn1, 1f);
        for (BasicBlock block : blocks) {
            init.kaimingNormalFanOut(block.conv1);
            init.kaimingNormalFanOut(block.conv2);
            init.batchNorm(block.bn1, 1f);
            init.batchNorm(block.bn2, zeroInitResidual ? 0f : 1f);
            if (block.downsample != null) {
                init.kaimingNormalFanOut(block.downsample);
                init.batchNorm(block.downsampleBn, 1f);
            }
        }
        store.valuesChanged();
    }

    @Override
    public Tensor record(Tape tape, Tensor pixels, boolean training, int views) {
        BatchNormOp.Config plain = BatchNormOp.Config.TORCH.withGroups(training ? views : 1);
        Tensor h = Conv2dOp.record(tape, "conv1", pixels, conv1, 2, 3);
        h = BatchNormOp.record(tape, "bn1", h, null, bn1, plain.withRelu(true), training);
        h = MaxPoolOp.record(tape, "maxpool", h, 3, 2, 1);
        for (BasicBlock block : blocks) {
            h = block.record(tape, h, training, plain);
        }
        return GlobalAvgPoolOp.record(tape, "global_pool", h);
    }
}
