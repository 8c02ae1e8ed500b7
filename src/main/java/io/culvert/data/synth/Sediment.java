package io.culvert.data.synth;

/**
 * Sand, gravel or silt on the invert: a bed whose surface lies at height {@code level} (y of the cross section, down is
 * positive) between the depths {@code from} and {@code to} and sinks into the pipe beyond.
 *
 * @param roughness height of its bumps
 * @param grain size of its grains, in cells per radius
 */
record Sediment(int label, float level, float from, float to, float roughness, float grain, float[] rgb, int seed) {
    private static final float RAMP = 0.5f;

    /** Height of the bed's surface, bumps aside; beyond 1 it lies under the pipe. */
    float surface(float z) {
        float in = Math.max(0, Math.min(1, (z - from) / RAMP));
        float out = Math.max(0, Math.min(1, (to - z) / RAMP));
        float presence = Math.min(in * in * (3 - 2 * in), out * out * (3 - 2 * out));
        return 1.04f - presence * (1.04f - level);
    }
}
