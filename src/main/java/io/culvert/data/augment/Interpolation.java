package io.culvert.data.augment;

import java.util.Locale;

/** How a resize weighs source pixels. */
public enum Interpolation {
    /** The triangle {@code 1 - |x|}. */
    BILINEAR(1),
    /** The Keys cubic, with a = -0.5 when antialiased (as PIL) and a = -0.75 when not (as OpenCV). */
    BICUBIC(2);

    private static final double CUBIC_ANTIALIASED = -0.5;
    private static final double CUBIC_PLAIN = -0.75;

    /** Half the width of the filter, in source pixels at scale 1. */
    final int radius;

    Interpolation(int radius) {
        this.radius = radius;
    }

    /** The filter's value at a distance from its centre. */
    double weight(double distance, boolean antialias) {
        double x = Math.abs(distance);
        return switch (this) {
            case BILINEAR -> x < 1 ? 1 - x : 0;
            case BICUBIC -> cubic(x, antialias ? CUBIC_ANTIALIASED : CUBIC_PLAIN);
        };
    }

    private static double cubic(double x, double a) {
        if (x < 1) {
            return ((a + 2) * x - (a + 3)) * x * x + 1;
        }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }

    /** The constant for a configuration's word, or null when there is none. */
    public static Interpolation byName(String name) {
        for (Interpolation each : values()) {
            if (each.name().toLowerCase(Locale.ROOT).equals(name)) {
                return each;
            }
        }
        return null;
    }

    /** The configuration's word. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
