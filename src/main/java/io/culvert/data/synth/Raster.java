package io.culvert.data.synth;

/**
 * A small drawing on a rectangle [-halfX, halfX] x [-halfY, halfY] in pipe radii: how much it covers (0 to 1) and how
 * bright it is against its colour (around 1, shading included). Decals on the wall and shapes across the bore sample
 * it.
 */
final class Raster {
    private static final int TEXELS_PER_RADIUS = 110;
    private static final int LARGEST = 224;

    final float halfX;
    final float halfY;
    final int width;
    final int height;
    final float[] cover;
    final float[] tone;
    private final float scaleX;
    private final float scaleY;

    /** Latest result of {@link #sample}. */
    float sampledCover;

    float sampledTone;

    Raster(float halfX, float halfY) {
        this.halfX = halfX;
        this.halfY = halfY;
        this.width = texels(halfX);
        this.height = texels(halfY);
        this.cover = new float[width * height];
        this.tone = new float[width * height];
        this.scaleX = width / (2 * halfX);
        this.scaleY = height / (2 * halfY);
    }

    private static int texels(float half) {
        return Math.max(8, Math.min(LARGEST, Math.round(2 * half * TEXELS_PER_RADIUS)));
    }

    /** A value for each texel centre, given as (x, y) in pipe radii. */
    interface Field {
        float at(float x, float y);
    }

    /** Sets cover and tone of every texel. */
    void fill(Field coverAt, Field toneAt) {
        for (int j = 0; j < height; j++) {
            float y = (j + 0.5f) / scaleY - halfY;
            for (int i = 0; i < width; i++) {
                float x = (i + 0.5f) / scaleX - halfX;
                float c = Math.max(0, Math.min(1, coverAt.at(x, y)));
                cover[j * width + i] = c;
                tone[j * width + i] = c > 0 ? Math.max(0, toneAt.at(x, y)) : 1;
            }
        }
    }

    /** Draws a line of the given widths at its ends, in pipe radii; the drawing with more cover keeps its tone. */
    void stroke(float x0, float y0, float x1, float y1, float width0, float width1, float strength, float lightness) {
        float widest = Math.max(width0, width1) * 0.5f + 1 / Math.min(scaleX, scaleY);
        int i0 = Math.max(0, (int) ((Math.min(x0, x1) - widest + halfX) * scaleX));
        int i1 = Math.min(width - 1, (int) ((Math.max(x0, x1) + widest + halfX) * scaleX));
        int j0 = Math.max(0, (int) ((Math.min(y0, y1) - widest + halfY) * scaleY));
        int j1 = Math.min(height - 1, (int) ((Math.max(y0, y1) + widest + halfY) * scaleY));
        float dx = x1 - x0;
        float dy = y1 - y0;
        float inverse = 1 / Math.max(1e-9f, dx * dx + dy * dy);
        float soft = Math.min(scaleX, scaleY);
        for (int j = j0; j <= j1; j++) {
            float y = (j + 0.5f) / scaleY - halfY;
            for (int i = i0; i <= i1; i++) {
                float x = (i + 0.5f) / scaleX - halfX;
                float along = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) * inverse));
                float ex = x - x0 - along * dx;
                float ey = y - y0 - along * dy;
                float distance = (float) Math.sqrt(ex * ex + ey * ey);
                float half = 0.5f * (width0 + along * (width1 - width0));
                float c = strength * Math.max(0, Math.min(1, (half - distance) * soft + 0.5f));
                int at = j * width + i;
                if (c > cover[at]) {
                    cover[at] = c;
                    // A strand is round: lit in the middle, dark at its rims.
                    tone[at] = lightness * (1.1f - 0.5f * Math.min(1, distance / Math.max(half, 1e-6f)));
                }
            }
        }
    }

    /** Bilinear sample at (x, y) in pipe radii into {@link #sampledCover} and {@link #sampledTone}. */
    boolean sample(float x, float y) {
        float fx = (x + halfX) * scaleX - 0.5f;
        float fy = (y + halfY) * scaleY - 0.5f;
        if (!(fx >= 0 && fy >= 0 && fx < width - 1 && fy < height - 1)) {
            return false;
        }
        int i = (int) fx;
        int j = (int) fy;
        fx -= i;
        fy -= j;
        int at = j * width + i;
        sampledCover = mix(cover, at, fx, fy);
        if (sampledCover < 0.004f) {
            return false;
        }
        sampledTone = mix(tone, at, fx, fy);
        return true;
    }

    private float mix(float[] values, int at, float fx, float fy) {
        float top = values[at] + fx * (values[at + 1] - values[at]);
        float bottom = values[at + width] + fx * (values[at + width + 1] - values[at + width]);
        return top + fy * (bottom - top);
    }
}
