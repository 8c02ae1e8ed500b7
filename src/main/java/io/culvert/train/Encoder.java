package io.culvert.train;

import io.culvert.device.RunArena;
import io.culvert.model.Backbone;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;

/** A backbone in evaluation: batches of one view in, features out. */
public final class Encoder {
    private final Tape tape = new Tape(false);
    private final Tensor pixels;
    private final Tensor features;

    /**
     * Records the backbone with its running statistics.
     *
     * @param batch images a call at most
     * @param imageSize height and width in pixels
     */
    public Encoder(RunArena arena, Backbone backbone, int batch, int imageSize) {
        pixels = tape.input(Tensor.f32("pixels", batch, imageSize, imageSize, 3));
        Tensor input = CastOp.record(tape, "pixels.cast", pixels, DType.compute(arena.device()));
        features = tape.keep(backbone.record(tape, input, false, 1));
        Trainer.bindInput(pixels, arena);
        tape.compile(arena);
    }

    /** Width of the features. */
    public int width() {
        return features.shape().at(1);
    }

    /** What it reads: normalised pixels, {@code [batch, H, W, 3]} floats. */
    public Tensor pixels() {
        return pixels;
    }

    /** Writes the features of the first {@code count} images of {@link #pixels} to {@code to}, from row {@code firstRow}. */
    public void encode(int count, float[] to, int firstRow) {
        tape.forward();
        System.arraycopy(features.toFloats(), 0, to, firstRow * width(), count * width());
    }
}
