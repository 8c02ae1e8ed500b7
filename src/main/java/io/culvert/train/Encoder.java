package io.culvert.train;

import io.culvert.data.Batch;
import io.culvert.device.RunArena;
import io.culvert.model.Backbone;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** A backbone in evaluation: batches of one view in, features out. */
public final class Encoder {
    private final Tape tape = new Tape(false);
    private final Tensor pixels;
    private final Tensor features;
    private final MemorySegment partial;
    private final int batch;

    /**
     * Records the backbone with its running statistics.
     *
     * @param batch images a call at most
     * @param imageSize height and width in pixels
     */
    public Encoder(RunArena arena, Backbone backbone, int batch, int imageSize) {
        this.batch = batch;
        pixels = tape.input(Tensor.f32("pixels", batch, imageSize, imageSize, 3));
        Tensor input = CastOp.record(tape, "pixels.cast", pixels, DType.compute(arena.device()));
        features = tape.keep(backbone.record(tape, input, false, 1));
        partial = arena.hostMemory(pixels.bytes());
        Trainer.bindInput(pixels, arena);
        tape.compile(arena);
    }

    /** Width of the features. */
    public int width() {
        return features.shape().at(1);
    }

    /** Writes the features of the batch's images to {@code to}, one row each, from row {@code firstRow}. */
    public void encode(Batch views, float[] to, int firstRow) {
        MemorySegment input = views.pixels();
        if (views.count() < batch) {
            partial.copyFrom(input);
            input = partial;
        }
        pixels.feed(input);
        tape.forward();
        System.arraycopy(features.toFloats(), 0, to, firstRow * width(), views.count() * width());
    }
}
