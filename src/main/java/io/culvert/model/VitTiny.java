package io.culvert.model;

import io.culvert.CulvertException;
import io.culvert.ops.Tape;
import io.culvert.ops.add.AddOp;
import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.mlp.MlpOp;
import io.culvert.ops.mlp.MlpOp.Layer;
import io.culvert.ops.patchembed.PatchEmbedOp;
import io.culvert.ops.tokens.ClassTokenOp;
import io.culvert.ops.tokens.Resampling;
import io.culvert.ops.tokens.TokensOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * ViT-Tiny (Dosovitskiy et al. 2021; the sizes of Touvron et al. 2021, table 1) without its classifier: 12 blocks of width
 * 192 with 3 heads, normalisation before each branch, 5,524,416 parameters at 224 pixels. Named and computed as timm's
 * {@code vit_tiny_patch16_224}, at any size of image and patch; the features are the class token after the last norm.
 */
public final class VitTiny implements Backbone {
    private static final int WIDTH = 192;
    private static final int HEADS = 3;
    private static final int HIDDEN = 4 * WIDTH;
    private static final int DEPTH = 12;
    private static final double EPS = 1e-6;
    private static final double STD = 0.02;
    private static final double CLASS_TOKEN_STD = 1e-6;

    private final ParameterStore store;
    private final int height;
    private final int width;
    private final int patch;
    private final Parameter classToken;
    private final Parameter position;
    private final Parameter patchWeight;
    private final Parameter patchBias;
    private final List<Block> blocks = new ArrayList<>();
    private final Parameter normWeight;
    private final Parameter normBias;
    private final List<Parameter> parameters;

    /**
     * Declares the network for images of one size.
     *
     * @param patch side of a patch, pixels
     * @throws CulvertException (usage) if patches do not tile the image
     */
    public VitTiny(ParameterStore store, int height, int width, int patch) {
        this(store, height, width, patch, DEPTH);
    }

    /** As the other, with as many blocks as asked for. */
    public VitTiny(ParameterStore store, int height, int width, int patch, int depth) {
        requireTiled(height, width, patch);
        this.store = store;
        this.height = height;
        this.width = width;
        this.patch = patch;
        classToken = store.parameter("cls_token", 1, 1, WIDTH);
        position = store.parameter("pos_embed", 1, 1 + height / patch * (width / patch), WIDTH);
        patchWeight = store.parameter("patch_embed.proj.weight", WIDTH, 3, patch, patch);
        patchBias = store.parameter("patch_embed.proj.bias", WIDTH);
        for (int i = 0; i < depth; i++) {
            blocks.add(new Block(store, "blocks." + i));
        }
        normWeight = store.parameter("norm.weight", WIDTH);
        normBias = store.parameter("norm.bias", WIDTH);
        parameters = store.parameters();
    }

    /** Attention, then two linear layers with a GELU between, each added to what went in. */
    private static final class Block {
        final String name;
        final Parameter norm1Weight;
        final Parameter norm1Bias;
        final Parameter qkvWeight;
        final Parameter qkvBias;
        final Parameter projWeight;
        final Parameter projBias;
        final Parameter norm2Weight;
        final Parameter norm2Bias;
        final Parameter fc1Weight;
        final Parameter fc1Bias;
        final Parameter fc2Weight;
        final Parameter fc2Bias;

        Block(ParameterStore store, String name) {
            this.name = name;
            norm1Weight = store.parameter(name + ".norm1.weight", WIDTH);
            norm1Bias = store.parameter(name + ".norm1.bias", WIDTH);
            qkvWeight = store.parameter(name + ".attn.qkv.weight", 3 * WIDTH, WIDTH);
            qkvBias = store.parameter(name + ".attn.qkv.bias", 3 * WIDTH);
            projWeight = store.parameter(name + ".attn.proj.weight", WIDTH, WIDTH);
            projBias = store.parameter(name + ".attn.proj.bias", WIDTH);
            norm2Weight = store.parameter(name + ".norm2.weight", WIDTH);
            norm2Bias = store.parameter(name + ".norm2.bias", WIDTH);
            fc1Weight = store.parameter(name + ".mlp.fc1.weight", HIDDEN, WIDTH);
            fc1Bias = store.parameter(name + ".mlp.fc1.bias", HIDDEN);
            fc2Weight = store.parameter(name + ".mlp.fc2.weight", WIDTH, HIDDEN);
            fc2Bias = store.parameter(name + ".mlp.fc2.bias", WIDTH);
        }

        Tensor record(Tape tape, Tensor x) {
            Tensor h = LayerNormOp.record(tape, name + ".norm1", x, norm1Weight, norm1Bias, EPS);
            h = LinearOp.record(tape, name + ".attn.qkv", h, qkvWeight, qkvBias);
            h = AttentionOp.record(tape, name + ".attn", h, HEADS, 1 / Math.sqrt((double) WIDTH / HEADS));
            h = LinearOp.record(tape, name + ".attn.proj", h, projWeight, projBias);
            Tensor middle = AddOp.record(tape, name + ".add1", x, h);
            h = LayerNormOp.record(tape, name + ".norm2", middle, norm2Weight, norm2Bias, EPS);
            h = MlpOp.record(tape, name + ".mlp", h, new Layer(fc1Weight, fc1Bias), new Layer(fc2Weight, fc2Bias));
            return AddOp.record(tape, name + ".add2", middle, h);
        }

        void initialise(Init init) {
            for (Parameter weight : List.of(qkvWeight, projWeight, fc1Weight, fc2Weight)) {
                init.normal(weight, STD);
            }
            for (Parameter bias : List.of(qkvBias, projBias, fc1Bias, fc2Bias, norm1Bias, norm2Bias)) {
                init.constant(bias, 0f);
            }
            init.constant(norm1Weight, 1f);
            init.constant(norm2Weight, 1f);
        }
    }

    @Override
    public String name() {
        return "vit_tiny_patch" + patch + "_" + (height == width ? height : height + "x" + width);
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
        return parameters;
    }

    /** None: layer normalisation keeps no statistics. */
    @Override
    public Map<String, Tensor> buffers() {
        return Map.of();
    }

    @Override
    public Optional<Positions> positions() {
        return Optional.of(new Positions(position, height / patch, width / patch));
    }

    /**
     * As timm with {@code weight_init=''}: its truncation at 2 lies a hundred standard deviations away, so that a plain
     * normal distribution is the same; the patches' convolution keeps PyTorch's default.
     */
    @Override
    public void initialise(Init init) {
        init.normal(classToken, CLASS_TOKEN_STD);
        init.normal(position, STD);
        init.torchLinear(patchWeight, patchBias);
        blocks.forEach(block -> block.initialise(init));
        init.constant(normWeight, 1f);
        init.constant(normBias, 0f);
        store.valuesChanged();
    }

    /**
     * Images of another size get positions resampled from the learned ones, to which their gradient goes back. The last norm
     * sees the class tokens alone: it works row by row, and nobody reads the others.
     *
     * @throws CulvertException (usage) if patches do not tile the images
     */
    @Override
    public Tensor record(Tape tape, Tensor pixels, boolean training, int views) {
        int down = pixels.shape().at(1);
        int across = pixels.shape().at(2);
        requireTiled(down, across, patch);
        boolean same = down == height && across == width;
        Resampling resampling = same
                ? null
                : PositionResampling.of(height / patch, width / patch, down / patch, across / patch);
        Tensor h = PatchEmbedOp.record(tape, "patch_embed", pixels, patchWeight, patchBias);
        h = TokensOp.record(tape, "tokens", h, classToken, position, resampling);
        for (Block block : blocks) {
            h = block.record(tape, h);
        }
        h = ClassTokenOp.record(tape, "class_token", h);
        return LayerNormOp.record(tape, "norm", h, normWeight, normBias, EPS);
    }

    private static void requireTiled(int height, int width, int patch) {
        if (height % patch != 0 || width % patch != 0) {
            throw CulvertException.usage(
                    "vit_tiny: patches of %d do not tile an image of %d x %d: choose model.patch to divide data.image_size,"
                            + " and data.local_size where local views are drawn",
                    patch, height, width);
        }
    }
}
