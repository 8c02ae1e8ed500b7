package io.culvert.model;

import io.culvert.CulvertException;
import io.culvert.ops.Tape;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.masking.ChosenPatchesOp;
import io.culvert.ops.masking.PlacedTokensOp;
import io.culvert.ops.masking.Places;
import io.culvert.ops.patchembed.PatchEmbedOp;
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
    private static final String POSITIONS = "pos_embed";
    private static final double EPS = 1e-6;
    private static final double STD = 0.02;
    private static final double CLASS_TOKEN_STD = 1e-6;

    private final ParameterStore store;
    private final int height;
    private final int width;
    private final int patch;
    private final Sizes sizes;
    private final Start start;
    private final Parameter classToken;
    /** Null where positions are fixed. */
    private final Parameter learned;
    private final Tensor position;
    private final Parameter patchWeight;
    private final Parameter patchBias;
    private final List<Block> blocks = new ArrayList<>();
    private final Parameter normWeight;
    private final Parameter normBias;
    private final List<Parameter> parameters;

    /**
     * How much of everything there is.
     *
     * @param width of a token
     * @param depth blocks
     * @param heads of attention, which share the width
     */
    public record Sizes(int width, int depth, int heads) {
        /** ViT-Tiny's. */
        public static final Sizes TINY = new Sizes(192, 12, 3);
    }

    /** What training starts from. */
    public enum Start {
        /** As timm with {@code weight_init=''}: positions are learned. */
        TIMM,
        /** As masked autoencoders: positions are sines and cosines that stay as they are, matrices by Xavier's rule. */
        MAE
    }

    /**
     * Declares the network for images of one size.
     *
     * @param patch side of a patch, pixels
     * @throws CulvertException (usage) if patches do not tile the image
     */
    public VitTiny(ParameterStore store, int height, int width, int patch) {
        this(store, height, width, patch, Sizes.TINY, Start.TIMM);
    }

    /** As the other, with as many blocks as asked for. */
    public VitTiny(ParameterStore store, int height, int width, int patch, int depth) {
        this(store, height, width, patch, new Sizes(Sizes.TINY.width, depth, Sizes.TINY.heads), Start.TIMM);
    }

    /**
     * As the first, of any size and start.
     *
     * @throws CulvertException (usage) if patches do not tile the image or heads do not share the width
     */
    public VitTiny(ParameterStore store, int height, int width, int patch, Sizes sizes, Start start) {
        requireTiled(height, width, patch);
        Block.requireHeads("model.heads", sizes.width, sizes.heads);
        this.store = store;
        this.height = height;
        this.width = width;
        this.patch = patch;
        this.sizes = sizes;
        this.start = start;
        int dim = sizes.width;
        classToken = store.parameter("cls_token", 1, 1, dim);
        learned = start == Start.TIMM ? store.parameter(POSITIONS, 1, 1 + patches(), dim) : null;
        position = learned == null ? store.buffer(POSITIONS, 1, 1 + patches(), dim) : learned.value();
        patchWeight = store.parameter("patch_embed.proj.weight", dim, 3, patch, patch);
        patchBias = store.parameter("patch_embed.proj.bias", dim);
        for (int i = 0; i < sizes.depth; i++) {
            blocks.add(new Block(store, "blocks." + i, dim, sizes.heads, EPS));
        }
        normWeight = store.parameter("norm.weight", dim);
        normBias = store.parameter("norm.bias", dim);
        parameters = store.parameters();
    }

    @Override
    public String name() {
        String size = height == width ? Integer.toString(height) : height + "x" + width;
        String heads = sizes.heads == Sizes.TINY.heads ? "" : "_" + sizes.heads + "heads";
        return "vit_tiny_patch" + patch + "_" + size + heads;
    }

    @Override
    public int features() {
        return sizes.width;
    }

    /** Side of a patch, pixels. */
    public int patch() {
        return patch;
    }

    /** Patches across an image. */
    public int across() {
        return width / patch;
    }

    /** Patches of an image. */
    public int patches() {
        return height / patch * across();
    }

    @Override
    public ParameterStore store() {
        return store;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    /** Fixed positions; layer normalisation keeps no statistics. */
    @Override
    public Map<String, Tensor> buffers() {
        return learned == null ? Map.of(POSITIONS, position) : Map.of();
    }

    @Override
    public Optional<Positions> positions() {
        return Optional.of(new Positions(position, height / patch, across()));
    }

    /**
     * As timm with {@code weight_init=''}: its truncation at 2 lies a hundred standard deviations away, so that a plain
     * normal distribution is the same; the patches' convolution keeps PyTorch's default. Or as masked autoencoders (He et al.
     * 2022, appendix A.1), where it is a linear layer like the others.
     */
    @Override
    public void initialise(Init init) {
        switch (start) {
            case TIMM -> {
                init.normal(classToken, CLASS_TOKEN_STD);
                init.normal(learned, STD);
                init.torchLinear(patchWeight, patchBias);
                blocks.forEach(block -> block.initialise(init, matrix -> init.normal(matrix, STD)));
            }
            case MAE -> {
                init.normal(classToken, STD);
                position.set(SinCosPositions.of(height / patch, across(), sizes.width));
                init.xavierUniform(patchWeight);
                init.constant(patchBias, 0f);
                blocks.forEach(block -> block.initialise(init, init::xavierUniform));
            }
        }
        init.constant(normWeight, 1f);
        init.constant(normBias, 0f);
        store.valuesChanged();
    }

    /**
     * Images of another size get positions resampled from the learned ones, to which their gradient goes back. The last
     * block gives the class tokens alone: nobody reads the others.
     *
     * @throws CulvertException (usage) if patches do not tile the images
     */
    @Override
    public Tensor record(Tape tape, Tensor pixels, boolean training, int views) {
        if (learned == null) {
            requireSize(pixels);
        }
        Tensor h = PatchEmbedOp.record(tape, "patch_embed", pixels, patchWeight, patchBias);
        h = learned == null
                ? PlacedTokensOp.record(tape, "tokens", h, classToken, position, null)
                : TokensOp.record(tape, "tokens", h, classToken, learned, resampling(pixels));
        for (Block block : blocks.subList(0, blocks.size() - 1)) {
            h = block.record(tape, h);
        }
        h = blocks.getLast().recordClassToken(tape, h);
        return LayerNormOp.record(tape, "norm", h, normWeight, normBias, EPS);
    }

    /**
     * Records the encoder of a masked autoencoder: patches that were removed are not even projected.
     *
     * @param pixels normalised images {@code [N, H, W, 3]}
     * @param visible the places of the patches that stay
     * @return the class token and the K patches after the last norm, {@code [N, 1 + K, D]}
     * @throws IllegalStateException if positions are learned
     */
    public Tensor recordVisible(Tape tape, Tensor pixels, Places visible) {
        if (learned != null) {
            throw new IllegalStateException(name() + ": learned positions cannot be masked, declare it with Start.MAE");
        }
        requireSize(pixels);
        Tensor h = ChosenPatchesOp.record(tape, "patches", pixels, visible, patch);
        h = LinearOp.record(tape, "patch_embed", h, patchWeight, patchBias);
        h = PlacedTokensOp.record(tape, "tokens", h, classToken, position, visible.chosen());
        for (Block block : blocks) {
            h = block.record(tape, h);
        }
        return LayerNormOp.record(tape, "norm", h, normWeight, normBias, EPS);
    }

    private void requireSize(Tensor pixels) {
        if (pixels.shape().at(1) != height || pixels.shape().at(2) != width) {
            throw new IllegalArgumentException(name() + ": got " + pixels);
        }
    }

    /** From the positions of this network to those of images of another size; null for the same. */
    private Resampling resampling(Tensor pixels) {
        int down = pixels.shape().at(1);
        int across = pixels.shape().at(2);
        requireTiled(down, across, patch);
        return down == height && across == width
                ? null
                : PositionResampling.of(height / patch, width / patch, down / patch, across / patch);
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
