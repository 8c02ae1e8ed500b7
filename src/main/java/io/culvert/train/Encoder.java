package io.culvert.train;

import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.model.Backbone;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/** A backbone in evaluation: batches of one view in, features out. */
public final class Encoder {
    private final Tape tape;
    private final Tensor pixels;
    private final Tensor features;

    /**
     * Records the backbone with its running statistics.
     *
     * @param batch images a call at most
     * @param imageSize height and width in pixels
     */
    public Encoder(RunArena arena, Backbone backbone, int batch, int imageSize) {
        Device device = arena.device();
        Pass pass = Pass.record(device, backbone, batch, imageSize);
        tape = pass.tape;
        pixels = pass.pixels;
        features = pass.features;
        LargestBatch.compile(
                tape, List.of(pixels), arena, "probe.batch_size", batch,
                b -> Pass.record(device, backbone, b, imageSize).bytes(device));
    }

    /** A pass over so many images, recorded and not yet compiled. */
    private record Pass(Tape tape, Tensor pixels, Tensor features) {
        static Pass record(Device device, Backbone backbone, int batch, int imageSize) {
            Tape tape = new Tape(false);
            Tensor pixels = tape.input(Tensor.f32("pixels", batch, imageSize, imageSize, 3));
            Tensor input = CastOp.record(tape, "pixels.cast", pixels, DType.compute(device));
            return new Pass(tape, pixels, tape.keep(backbone.record(tape, input, false, 1)));
        }

        long bytes(Device device) {
            return pixels.bytes() + tape.plannedBytes(device);
        }
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
