package io.culvert.method;

import io.culvert.CulvertException;
import io.culvert.device.RunArena;
import io.culvert.model.Init;
import io.culvert.model.MaeDecoder;
import io.culvert.model.VitTiny;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.ops.mae.MaeOp;
import io.culvert.ops.masking.ChosenPatchesOp;
import io.culvert.ops.tokens.TokenSliceOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Masked autoencoder (He et al. 2022): most patches of an image are removed, a vision transformer encodes those that are
 * left, and a decoder must paint the removed ones. One view of each image; features and embeddings of a step are the class
 * token that the encoder made of the visible patches.
 */
public final class Mae implements Method {
    private final VitTiny encoder;
    private final MaeDecoder decoder;
    private final Settings settings;
    private final MaskOrder order;
    private RunArena arena;
    private PatchMasks masks;

    /**
     * What is removed, and what is asked of the decoder.
     *
     * @param maskRatio share of the patches that are removed: {@code int(L (1 - maskRatio))} stay
     * @param normalised whether each patch is standardised before it is compared
     * @param frozen whether no gradient reaches encoder and decoder, so that both stay as they were initialised: what the
     *     published code of arXiv 2410.04289 does, which overwrites the decoder's output before its loss
     */
    public record Settings(double maskRatio, boolean normalised, boolean frozen) {}

    /** Draws an order of an image's patches, of which the first ones stay. */
    @FunctionalInterface
    public interface MaskOrder {
        /**
         * Puts the places into another order.
         *
         * @param step counted from 0
         * @param image of the step's batch
         * @param places 0..L-1, counted row by row
         */
        void draw(int step, int image, int[] places);
    }

    /**
     * Masks by the run's seed: each order as likely as any other.
     *
     * @throws CulvertException (usage) if nothing is removed or nothing left
     */
    public Mae(VitTiny encoder, MaeDecoder decoder, Settings settings, long seed) {
        this(encoder, decoder, settings, PatchMasks.random(seed));
    }

    /** As the other, with masks of one's own. */
    public Mae(VitTiny encoder, MaeDecoder decoder, Settings settings, MaskOrder order) {
        this.encoder = encoder;
        this.decoder = decoder;
        this.settings = settings;
        this.order = order;
        if (kept() < 1 || kept() == encoder.patches()) {
            throw CulvertException.usage(
                    "method.mask_ratio: %s leaves %d of %d patches: some must stay and some go",
                    settings.maskRatio, kept(), encoder.patches());
        }
    }

    private int kept() {
        return (int) (encoder.patches() * (1 - settings.maskRatio));
    }

    @Override
    public String name() {
        return "mae";
    }

    @Override
    public int views() {
        return 1;
    }

    @Override
    public void initialise(Init init) {
        decoder.initialise(init);
    }

    @Override
    public void allocate(RunArena runs) {
        arena = runs;
    }

    /** The images of the later passes of a step count on from those of the first. */
    @Override
    public void prepare(int step, int pass) {
        masks.draw(step, pass);
    }

    @Override
    public boolean learns() {
        return !settings.frozen;
    }

    @Override
    public Recorded record(Tape tape, List<Tensor> pixels) {
        return record(tape, pixels, pixels);
    }

    @Override
    public Recorded record(Tape tape, List<Tensor> views, List<Tensor> exact) {
        Tensor pixels = views.getFirst();
        masks = new PatchMasks(tape, arena, order, pixels.shape().at(0), encoder.patches(), kept());
        Tensor latent = encoder.recordVisible(tape, pixels, masks.visible());
        Tensor features = TokenSliceOp.classToken(tape, "class_token", latent);
        Tensor painted = decoder.record(tape, latent, masks.visible(), masks.removed());
        Tensor pred = CastOp.record(tape, "pred.f32", painted, DType.F32);
        if (settings.frozen) {
            tape.detach(pred);
        }
        tape.overwritable(pred);
        // The pixels themselves: rounded to bf16 and divided by its deviation, a patch of little contrast would be noise.
        Tensor target =
                ChosenPatchesOp.recordColumn(tape, "target", exact.getFirst(), masks.removed(), encoder.patch());
        Tensor loss =
                MaeOp.record(tape, "mae", pred, target, masks.ones(), encoder.patch(), settings.normalised);
        return new Recorded(loss, features, features).withInputs(masks.inputs());
    }
}
