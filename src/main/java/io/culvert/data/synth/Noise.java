package io.culvert.data.synth;

/**
 * Value noise on a lattice, with the slope along the second axis as a by-product (bumps are shaded by it). Lattice
 * values come from one table of 256 x 256, so that a sample costs four loads. Not thread safe: one per renderer.
 */
final class Noise {
    private static final int SIZE = 256;
    private static final int MASK = SIZE - 1;
    private static final int FAR = 1 << 12;
    private static final float[] LATTICE = lattice();

    /** d(value)/d(y) of the latest call, in lattice units of the coarsest octave. */
    float slope;

    /** Noise in [0, 1] at (x, y), repeating every {@code periodX} cells along x; 0 <= x <= periodX, y >= 0. */
    float value(float x, float y, int periodX, int seed) {
        return tile(x, y, periodX, Integer.MAX_VALUE, seed);
    }

    /** Noise in [0, 1] that repeats both ways; x and y from 0 to their periods. */
    float tile(float x, float y, int periodX, int periodY, int seed) {
        int xi = (int) x;
        int yi = (int) y;
        float fx = x - xi;
        float fy = y - yi;
        int xa = xi >= periodX ? xi - periodX : xi;
        int xb = xa + 1 == periodX ? 0 : xa + 1;
        int ya = yi >= periodY ? yi - periodY : yi;
        int yb = ya + 1 == periodY ? 0 : ya + 1;
        int column = seed & MASK;
        int row = (seed >>> 8) & MASK;
        int rowA = ((ya + row) & MASK) << 8;
        int rowB = ((yb + row) & MASK) << 8;
        int columnA = (xa + column) & MASK;
        int columnB = (xb + column) & MASK;
        float sx = fx * fx * (3 - 2 * fx);
        float sy = fy * fy * (3 - 2 * fy);
        float a = LATTICE[rowA | columnA];
        float c = LATTICE[rowB | columnA];
        a += sx * (LATTICE[rowA | columnB] - a);
        c += sx * (LATTICE[rowB | columnB] - c);
        slope = (c - a) * 6 * fy * (1 - fy);
        return a + sy * (c - a);
    }

    /** Noise in [0, 1] on the plane, within 4096 cells of the origin. */
    float plane(float x, float y, int seed) {
        return value(x + FAR, y + FAR, Integer.MAX_VALUE, seed);
    }

    /** Fractal sum of octaves round a closed line of {@code cells} cells, mean 0, about [-1, 1]; turn in [0, 1]. */
    float fractal(float turn, float z, int cells, int octaves, int seed) {
        float sum = 0;
        float amplitude = 1;
        for (int octave = 0; octave < octaves; octave++) {
            int period = cells << octave;
            sum += amplitude * (value(turn * period, z * (1 << octave), period, seed + octave * 7919) - 0.5f);
            amplitude *= 0.6f;
        }
        return sum * 1.2f;
    }

    /** As {@link #fractal} on the plane, with the slope along y. */
    float fractalPlane(float x, float y, int octaves, int seed) {
        float sum = 0;
        float slopes = 0;
        float amplitude = 1;
        for (int octave = 0; octave < octaves; octave++) {
            int factor = 1 << octave;
            sum += amplitude * (plane(x * factor, y * factor, seed + octave * 7919) - 0.5f);
            slopes += amplitude * slope * factor;
            amplitude *= 0.6f;
        }
        slope = slopes;
        return sum * 1.2f;
    }

    private static float[] lattice() {
        Rng rng = Rng.of(0x5E3E5L);
        float[] values = new float[SIZE * SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = rng.uniform(0, 1);
        }
        return values;
    }
}
