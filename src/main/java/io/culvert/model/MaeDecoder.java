package io.culvert.model;

import io.culvert.CulvertException;
import io.culvert.ops.Tape;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.masking.ChosenPatchesOp;
import io.culvert.ops.masking.Places;
import io.culvert.ops.masking.UnshuffleOp;
import io.culvert.ops.tokens.TokenSliceOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The decoder of a masked autoencoder (He et al. 2022, section 3): from what an encoder made of the visible patches to the
 * pixels of all. Its parameters carry the names of the authors' code.
 */
public final class MaeDecoder {
    private static final double STD = 0.02;

    private final VitTiny encoder;
    private final Sizes sizes;
    private final Parameter maskToken;
    private final Tensor position;
    private final Parameter embedWeight;
    private final Parameter embedBias;
    private final List<Block> blocks = new ArrayList<>();
    private final Parameter normWeight;
    private final Parameter normBias;
    private final Parameter predWeight;
    private final Parameter predBias;

    /**
     * How much of everything there is.
     *
     * @param width of a token
     * @param depth blocks
     * @param heads of attention, which share the width
     * @param eps added to the variance in normalisations
     */
    public record Sizes(int width, int depth, int heads, double eps) {}

    /**
     * Declares the parameters in the encoder's store.
     *
     * @throws CulvertException (usage) if heads do not share the width or positions do not fill it
     */
    public MaeDecoder(VitTiny encoder, Sizes sizes) {
        if (sizes.width % SinCosPositions.WAVES != 0) {
            throw CulvertException.usage(
                    "method.decoder_dim: %d is no multiple of %d, which positions of sines and cosines need",
                    sizes.width, SinCosPositions.WAVES);
        }
        Block.requireHeads("method.decoder_heads", sizes.width, sizes.heads);
        this.encoder = encoder;
        this.sizes = sizes;
        ParameterStore store = encoder.store();
        int width = sizes.width;
        maskToken = store.parameter("mask_token", 1, 1, width);
        position = store.buffer("decoder_pos_embed", 1, 1 + encoder.patches(), width);
        embedWeight = store.parameter("decoder_embed.weight", width, encoder.features());
        embedBias = store.parameter("decoder_embed.bias", width);
        for (int i = 0; i < sizes.depth; i++) {
            blocks.add(new Block(store, "decoder_blocks." + i, width, sizes.heads, sizes.eps));
        }
        normWeight = store.parameter("decoder_norm.weight", width);
        normBias = store.parameter("decoder_norm.bias", width);
        int pixels = Math.multiplyExact(encoder.patch() * encoder.patch(), 3);
        predWeight = store.parameter("decoder_pred.weight", pixels, width);
        predBias = store.parameter("decoder_pred.bias", pixels);
    }

    /** He et al. 2022, appendix A.1: matrices by Xavier's rule, biases 0, the mask token normal about 0. */
    public void initialise(Init init) {
        init.normal(maskToken, STD);
        position.set(SinCosPositions.of(encoder.patches() / encoder.across(), encoder.across(), sizes.width));
        init.xavierUniform(embedWeight);
        init.constant(embedBias, 0f);
        blocks.forEach(block -> block.initialise(init, init::xavierUniform));
        init.constant(normWeight, 1f);
        init.constant(normBias, 0f);
        init.xavierUniform(predWeight);
        init.constant(predBias, 0f);
    }

    /**
     * Records the decoder.
     *
     * @param latent the class token and the visible patches, {@code [N, 1 + K, D]}
     * @param visible where those are
     * @param removed the K' others
     * @return the pixels of the removed patches, {@code [N, K', p p 3]}
     */
    public Tensor record(Tape tape, Tensor latent, Places visible, Places removed) {
        Tensor h = LinearOp.record(tape, "decoder_embed", latent, embedWeight, embedBias);
        h = UnshuffleOp.record(tape, "unshuffle", h, visible.slots(), maskToken, position);
        for (Block block : blocks.subList(0, blocks.size() - 1)) {
            h = block.record(tape, h);
        }
        // Nobody reads what becomes of the class token and of the patches that were seen.
        h = blocks.getLast().recordSome(tape, h, (name, x) -> {
            Tensor patches = TokenSliceOp.patches(tape, name + ".patches", x);
            return ChosenPatchesOp.recordTokens(tape, name + ".removed", patches, removed);
        });
        h = LayerNormOp.record(tape, "decoder_norm", h, normWeight, normBias, sizes.eps);
        return LinearOp.record(tape, "decoder_pred", h, predWeight, predBias);
    }
}
