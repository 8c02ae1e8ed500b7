package io.culvert.data.synth;

/**
 * Fractal noise round a pipe, computed once for the whole process and looked up with a shift of its own by every scene:
 * one bilinear sample instead of an octave sum a pixel. Repeats once round the pipe and every {@link #LENGTH} radii
 * along it, and is held at halving resolutions so that a far wall turns smooth instead of aliasing.
 */
final class Grain {
    private static final int ROUND = 1024;
    private static final int ALONG = 512;
    /** Depth after which the texture repeats, in pipe radii: texels are square. */
    static final float LENGTH = Angles.TURN * ALONG / ROUND;

    private static final int LEVELS = 7;

    /** A wall of grains: concrete, clay, brick. */
    static final Grain COARSE = new Grain(26, 5, 0.6f);
    /** A wall of long soft waves: plastics and liners. */
    static final Grain SMOOTH = new Grain(10, 3, 0.45f);
    /** Patches of dirt. */
    static final Grain PATCHES = new Grain(6, 3, 0.55f);

    /** Value and slope along the pipe, interleaved, for each level. */
    private final float[][] levels = new float[LEVELS][];

    private final float texelsPerRadius = ROUND / Angles.TURN;

    private Grain(int cells, int octaves, float persistence) {
        levels[0] = finest(cells, octaves, persistence);
        for (int level = 1; level < LEVELS; level++) {
            levels[level] = halve(levels[level - 1], ROUND >> level, ALONG >> level);
        }
    }

    /** Reads the noise for one thread. */
    static final class Sampler {
        /** Noise of about [-1, 1], mean 0. */
        float value;

        /** Its slope along the pipe, about [-1, 1]. */
        float slope;

        /** Samples at {@code turn} in [0, 2) rounds and depth {@code z} >= 0, with pixels {@code footprint} deep. */
        void sample(Grain grain, float turn, float z, float footprint) {
            int level = 0;
            for (float texels = footprint * grain.texelsPerRadius;
                    texels > 1.5f && level < LEVELS - 1;
                    texels *= 0.5f) {
                level++;
            }
            float[] texture = grain.levels[level];
            int round = ROUND >> level;
            int along = ALONG >> level;
            float x = turn * round;
            float y = z * grain.texelsPerRadius / (1 << level);
            int xi = (int) x;
            int yi = (int) y;
            float fx = x - xi;
            float fy = y - yi;
            int xa = xi & (round - 1);
            int xb = (xi + 1) & (round - 1);
            int ya = (yi & (along - 1)) * round;
            int yb = ((yi + 1) & (along - 1)) * round;
            int a = 2 * (ya + xa);
            int b = 2 * (ya + xb);
            int c = 2 * (yb + xa);
            int d = 2 * (yb + xb);
            float top = texture[a] + fx * (texture[b] - texture[a]);
            float bottom = texture[c] + fx * (texture[d] - texture[c]);
            value = top + fy * (bottom - top);
            top = texture[a + 1] + fx * (texture[b + 1] - texture[a + 1]);
            bottom = texture[c + 1] + fx * (texture[d + 1] - texture[c + 1]);
            slope = top + fy * (bottom - top);
        }
    }

    private static float[] finest(int cells, int octaves, float persistence) {
        Noise noise = new Noise();
        float[] texture = new float[2 * ROUND * ALONG];
        for (int j = 0; j < ALONG; j++) {
            for (int i = 0; i < ROUND; i++) {
                float amplitude = 1;
                float value = 0;
                float slope = 0;
                for (int octave = 0; octave < octaves; octave++) {
                    int round = cells << octave;
                    int along = round / 2;
                    int seed = 7919 * octave + cells;
                    value += amplitude
                            * (noise.tile((i + 0.5f) / ROUND * round, (j + 0.5f) / ALONG * along, round, along, seed)
                                    - 0.5f);
                    slope += amplitude * noise.slope;
                    amplitude *= persistence;
                }
                texture[2 * (j * ROUND + i)] = 1.2f * value;
                texture[2 * (j * ROUND + i) + 1] = slope;
            }
        }
        return texture;
    }

    private static float[] halve(float[] fine, int round, int along) {
        float[] coarse = new float[2 * round * along];
        for (int j = 0; j < along; j++) {
            for (int i = 0; i < 2 * round; i++) {
                int from = 8 * j * round + 4 * (i / 2) + (i & 1);
                int next = from + 4 * round;
                coarse[2 * j * round + i] = 0.25f * (fine[from] + fine[from + 2] + fine[next] + fine[next + 2]);
            }
        }
        return coarse;
    }
}
