package io.culvert.data.augment;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Crops and resizes interleaved bytes {@code [height, width, 3]} to a {@link FloatImage} in 0..1, in one pass: each
 * output row gathers its source rows into one float row, which is then resampled along x. Values may leave 0..1 by the
 * overshoot of the bicubic filter, as they do in PyTorch.
 *
 * <p>An instance holds the scratch of one thread.
 */
public final class Resize {
    // 8 bytes widen to 8 floats. A machine with narrower vectors runs the scalar tail loop alone.
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;
    private static final VectorSpecies<Float> PIXEL = FloatVector.SPECIES_128;
    private static final int LANES = FLOATS.length();
    private static final boolean WIDE = FloatVector.SPECIES_PREFERRED.length() >= LANES;

    private final ResampleWeights rows = new ResampleWeights();
    private final ResampleWeights columns = new ResampleWeights();
    private float[] gathered = new float[0];

    /**
     * Crops, then resizes: with antialiasing torchvision's {@code resized_crop}.
     *
     * @param imageWidth pixels in a row of {@code bytes}; the crop lies inside the image
     */
    public void cropResize(MemorySegment bytes, int imageWidth, int top, int left, int height, int width,
            FloatImage out, int outHeight, int outWidth, Interpolation interpolation, boolean antialias) {
        out.reshape(outHeight, outWidth);
        rows.compute(height, outHeight, interpolation, antialias);
        columns.compute(width, outWidth, interpolation, antialias);
        int rowLength = 3 * width;
        if (gathered.length < rowLength + 1) {
            // One value more, because the last pixel is read as four floats.
            gathered = new float[rowLength + 1];
        }
        long stride = 3L * imageWidth;
        for (int y = 0; y < outHeight; y++) {
            long origin = (top + rows.start(y)) * stride + 3L * left;
            gatherRows(bytes, origin, stride, rowLength, rows.weights(), rows.offset(y), rows.count(y));
            resampleRow(out, y * outWidth, outWidth);
        }
    }

    /** {@code gathered[x] = sum over k of weights[offset + k] / 255 * bytes[origin + k * stride + x]}. */
    private void gatherRows(MemorySegment bytes, long origin, long stride, int rowLength, float[] weights, int offset,
            int count) {
        int bound = WIDE ? rowLength - rowLength % LANES : 0;
        for (int x = 0; x < bound; x += LANES) {
            FloatVector sum = FloatVector.zero(FLOATS);
            long at = origin + x;
            for (int k = 0; k < count; k++) {
                ByteVector raw = ByteVector.fromMemorySegment(BYTES, bytes, at, ByteOrder.nativeOrder());
                IntVector whole = (IntVector) raw.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
                FloatVector values = (FloatVector) whole.convert(VectorOperators.I2F, 0);
                sum = values.fma(FloatVector.broadcast(FLOATS, weights[offset + k]), sum);
                at += stride;
            }
            sum.mul(1 / 255f).intoArray(gathered, x);
        }
        for (int x = bound; x < rowLength; x++) {
            float sum = 0;
            for (int k = 0; k < count; k++) {
                sum = Math.fma(weights[offset + k], bytes.get(ValueLayout.JAVA_BYTE, origin + k * stride + x) & 0xFF,
                        sum);
            }
            gathered[x] = sum * (1 / 255f);
        }
    }

    private void resampleRow(FloatImage out, int to, int outWidth) {
        float[] weights = columns.weights();
        float[] red = out.red();
        float[] green = out.green();
        float[] blue = out.blue();
        for (int x = 0; x < outWidth; x++) {
            int from = 3 * columns.start(x);
            int offset = columns.offset(x);
            int count = columns.count(x);
            // Lane 3 carries the next pixel's red and is dropped.
            FloatVector sum = FloatVector.zero(PIXEL);
            for (int k = 0; k < count; k++) {
                FloatVector pixel = FloatVector.fromArray(PIXEL, gathered, from + 3 * k);
                sum = pixel.fma(FloatVector.broadcast(PIXEL, weights[offset + k]), sum);
            }
            red[to + x] = sum.lane(0);
            green[to + x] = sum.lane(1);
            blue[to + x] = sum.lane(2);
        }
    }
}
