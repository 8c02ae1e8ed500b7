package io.culvert.data.synth;

/** What a pipe is made of: linear-light colours, grain and how its joints look. */
enum Material {
    CONCRETE(new float[] {0.40f, 0.37f, 0.32f}, 0.42f, 0.30f, 0.10f, 1.0f, 1.4f, 3.0f),
    CLAY(new float[] {0.36f, 0.20f, 0.12f}, 0.22f, 0.12f, 0.45f, 1.0f, 1.3f, 2.6f),
    PVC(new float[] {0.44f, 0.27f, 0.14f}, 0.08f, 0.04f, 0.60f, 0.7f, 2.4f, 5.0f),
    LINER(new float[] {0.38f, 0.41f, 0.34f}, 0.14f, 0.08f, 0.50f, 0.6f, 2.4f, 5.0f),
    BRICK(new float[] {0.33f, 0.17f, 0.11f}, 0.36f, 0.26f, 0.08f, 0.5f, 2.0f, 4.0f);

    final float[] rgb;
    final float grain;
    final float bump;
    final float gloss;
    final float jointContrast;
    final float shortestPipe;
    final float longestPipe;

    Material(
            float[] rgb,
            float grain,
            float bump,
            float gloss,
            float jointContrast,
            float shortestPipe,
            float longestPipe) {
        this.rgb = rgb;
        this.grain = grain;
        this.bump = bump;
        this.gloss = gloss;
        this.jointContrast = jointContrast;
        this.shortestPipe = shortestPipe;
        this.longestPipe = longestPipe;
    }
}
