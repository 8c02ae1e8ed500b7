package io.culvert.data.augment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * torchvision's hue adjustment: RGB to HSV, shift H, and back. HSV's value is {@code max} and {@code s * v} is
 * {@code range = max - min}, so with {@code h} in sixths of a turn (0 up to 6) the way back is
 *
 * <pre>
 * red   = max - range * clamp(2 - |h - 3|)
 * green = max - range * clamp(|h - 2| - 1)
 * blue  = max - range * clamp(|h - 4| - 1)     with clamp to 0..1,
 * </pre>
 *
 * the same function as the usual table of six sectors, without its branches.
 */
final class Hue {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private Hue() {}

    static void shift(FloatImage image, float turns) {
        float[] red = image.red();
        float[] green = image.green();
        float[] blue = image.blue();
        int pixels = image.pixels();
        int bound = SPECIES.loopBound(pixels);
        float sixths = 6 * turns;
        for (int i = 0; i < bound; i += LANES) {
            shiftLanes(red, green, blue, i, sixths);
        }
        for (int i = bound; i < pixels; i++) {
            shiftPixel(red, green, blue, i, sixths);
        }
    }

    private static void shiftLanes(float[] red, float[] green, float[] blue, int i, float sixths) {
        FloatVector r = FloatVector.fromArray(SPECIES, red, i);
        FloatVector g = FloatVector.fromArray(SPECIES, green, i);
        FloatVector b = FloatVector.fromArray(SPECIES, blue, i);
        FloatVector max = r.max(g).max(b);
        FloatVector range = max.sub(r.min(g).min(b));
        VectorMask<Float> grey = range.eq(0f);
        FloatVector divisor = range.blend(1f, grey);
        FloatVector fromRed = g.sub(b).div(divisor);
        FloatVector fromGreen = b.sub(r).div(divisor).add(2f);
        FloatVector fromBlue = r.sub(g).div(divisor).add(4f);
        FloatVector sector = fromBlue.blend(fromGreen, max.eq(g)).blend(fromRed, max.eq(r)).add(sixths);
        sector = sector.add(FloatVector.zero(SPECIES).blend(6f, sector.lt(0f)));
        sector = sector.sub(FloatVector.zero(SPECIES).blend(6f, sector.compare(VectorOperators.GE, 6f)));
        max.sub(range.mul(sector.sub(3f).abs().neg().add(2f).max(0f).min(1f))).intoArray(red, i);
        max.sub(range.mul(sector.sub(2f).abs().sub(1f).max(0f).min(1f))).intoArray(green, i);
        max.sub(range.mul(sector.sub(4f).abs().sub(1f).max(0f).min(1f))).intoArray(blue, i);
    }

    private static void shiftPixel(float[] red, float[] green, float[] blue, int i, float sixths) {
        float r = red[i];
        float g = green[i];
        float b = blue[i];
        float max = Math.max(Math.max(r, g), b);
        float range = max - Math.min(Math.min(r, g), b);
        float divisor = range == 0 ? 1 : range;
        float sector = sector(r, g, b, max, divisor) + sixths;
        sector = sector < 0 ? sector + 6 : sector;
        sector = sector >= 6 ? sector - 6 : sector;
        red[i] = max - range * clamp(2 - Math.abs(sector - 3));
        green[i] = max - range * clamp(Math.abs(sector - 2) - 1);
        blue[i] = max - range * clamp(Math.abs(sector - 4) - 1);
    }

    private static float sector(float r, float g, float b, float max, float divisor) {
        if (max == r) {
            return (g - b) / divisor;
        }
        return max == g ? (b - r) / divisor + 2 : (r - g) / divisor + 4;
    }

    private static float clamp(float x) {
        return Math.min(Math.max(x, 0), 1);
    }
}
