package io.culvert.data.augment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * torchvision's hue adjustment: RGB to HSV, shift H, and back. HSV's value is {@code max}, and {@code s * v} is
 * {@code max - min}, so that channel n (5 red, 3 green, 1 blue) comes back as
 * {@code max - (max - min) * clamp(min(k, 4 - k), 0, 1)} with {@code k = (n + 6 h) mod 6}: the same six-sector function
 * as the usual table, without its branches.
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
        sector = sector.blend(sector.add(6f), sector.lt(0f));
        sector = wrap(sector);
        channel(max, range, sector, 5f).intoArray(red, i);
        channel(max, range, sector, 3f).intoArray(green, i);
        channel(max, range, sector, 1f).intoArray(blue, i);
    }

    private static FloatVector wrap(FloatVector k) {
        return k.blend(k.sub(6f), k.compare(VectorOperators.GE, 6f));
    }

    private static FloatVector channel(FloatVector max, FloatVector range, FloatVector sector, float n) {
        FloatVector k = wrap(sector.add(n));
        FloatVector share = k.min(k.neg().add(4f)).max(0f).min(1f);
        return max.sub(range.mul(share));
    }

    private static void shiftPixel(float[] red, float[] green, float[] blue, int i, float sixths) {
        float r = red[i];
        float g = green[i];
        float b = blue[i];
        float max = Math.max(Math.max(r, g), b);
        float range = max - Math.min(Math.min(r, g), b);
        float divisor = range == 0 ? 1 : range;
        float sector = sector(r, g, b, max, divisor) + sixths;
        sector = wrap(sector < 0 ? sector + 6 : sector);
        red[i] = channel(max, range, sector, 5);
        green[i] = channel(max, range, sector, 3);
        blue[i] = channel(max, range, sector, 1);
    }

    private static float sector(float r, float g, float b, float max, float divisor) {
        if (max == r) {
            return (g - b) / divisor;
        }
        return max == g ? (b - r) / divisor + 2 : (r - g) / divisor + 4;
    }

    private static float wrap(float k) {
        return k >= 6 ? k - 6 : k;
    }

    private static float channel(float max, float range, float sector, float n) {
        float k = wrap(sector + n);
        float share = Math.min(Math.max(Math.min(k, 4 - k), 0), 1);
        return max - range * share;
    }
}
