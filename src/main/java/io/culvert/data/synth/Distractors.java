package io.culvert.data.synth;

/**
 * Harmless things that any pipe may show: stains, scratches, chalk marks, pebbles. They lie on sound and defective
 * pipes alike, so that "something is on the wall" is no sign of a defect.
 */
final class Distractors {
    private final double nuisance;
    private final Noise noise = new Noise();

    Distractors(double nuisance) {
        this.nuisance = nuisance;
    }

    void add(Scene scene, Rng rng) {
        for (int count = count(rng, 2); count > 0; count--) {
            scene.decals.add(stain(scene, rng));
        }
        for (int count = count(rng, 2); count > 0; count--) {
            scene.decals.add(runnel(scene, rng));
        }
        if (rng.chance(0.35 * nuisance)) {
            scene.decals.add(scratches(scene, rng));
        }
        if (rng.chance(0.2 * nuisance)) {
            scene.decals.add(chalk(scene, rng));
        }
        if (rng.chance(0.35 * nuisance)) {
            scene.decals.add(pebbles(rng));
        }
    }

    private int count(Rng rng, int most) {
        return (int) Math.round(nuisance * rng.below(most + 1));
    }

    /** A soft-edged patch a little darker or lighter than the wall. */
    private Decal stain(Scene scene, Rng rng) {
        Raster raster = new Raster(rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.8));
        int seed = (int) rng.nextLong() >>> 8;
        float tone = rng.chance(0.7) ? rng.uniform(0.45, 0.8) : rng.uniform(1.15, 1.5);
        raster.fill((x, y) -> 1.6f * blob(raster, x, y, seed) * rampAt(tone), (x, y) -> tone);
        return new Decal(0, scene.dryTheta(rng, 0), rng.uniform(0.9, 4), raster, null);
    }

    private static float rampAt(float tone) {
        return tone < 1 ? 0.8f : 0.6f;
    }

    private float blob(Raster raster, float x, float y, int seed) {
        float rx = x / raster.halfX;
        float ry = y / raster.halfY;
        return 0.75f - rx * rx - ry * ry + 0.9f * noise.fractalPlane(x * 4, y * 4, 3, seed);
    }

    /** Where water ran down from a joint or the crown: a dark streak round the pipe. */
    private Decal runnel(Scene scene, Rng rng) {
        float half = rng.uniform(0.25, 0.8);
        Raster raster = new Raster(half, 0.14f);
        float tone = rng.uniform(0.4, 0.75);
        float width = rng.uniform(0.03, 0.10);
        float y = 0;
        for (float x = -half; x < half; x += 0.06f) {
            float next = Math.max(-0.1f, Math.min(0.1f, y + 0.02f * rng.gaussian()));
            raster.stroke(x, y, x + 0.06f, next, width, width, rng.uniform(0.4, 0.8), tone);
            y = next;
        }
        float theta = rng.sign() * rng.uniform(0.9, 2.6);
        float z = rng.chance(0.5) ? scene.joints.get(0).z() + rng.uniform(0, 0.1) : rng.uniform(0.9, 3.5);
        return new Decal(0, theta, z, raster, null);
    }

    /** Straight light lines along the pipe, as tools and skids leave them. */
    private Decal scratches(Scene scene, Rng rng) {
        Raster raster = new Raster(0.3f, rng.uniform(0.4, 1));
        for (int i = 1 + rng.below(4); i > 0; i--) {
            float x = rng.uniform(-0.25, 0.25);
            float from = rng.uniform(-raster.halfY, 0);
            float to = rng.uniform(0, raster.halfY);
            float width = rng.uniform(0.008, 0.02);
            raster.stroke(x, from, x + rng.uniform(-0.05, 0.05), to, width, width, 0.7f, rng.uniform(1.2, 1.7));
        }
        return new Decal(0, scene.dryTheta(rng, 0.1f), rng.uniform(1, 3), raster, null);
    }

    private Decal chalk(Scene scene, Rng rng) {
        Raster raster = new Raster(0.25f, 0.25f);
        float x = rng.uniform(-0.2, 0.2);
        float y = rng.uniform(-0.2, 0.2);
        for (int i = 3 + rng.below(5); i > 0; i--) {
            float nextX = rng.uniform(-0.2, 0.2);
            float nextY = rng.uniform(-0.2, 0.2);
            raster.stroke(x, y, nextX, nextY, 0.02f, 0.02f, 0.8f, 1);
            x = nextX;
            y = nextY;
        }
        float[] paint = rng.chance(0.6) ? new float[] {0.6f, 0.6f, 0.55f} : new float[] {0.45f, 0.08f, 0.06f};
        return new Decal(0, scene.dryTheta(rng, 0.2f), rng.uniform(1.1, 3), raster, paint);
    }

    /** A few loose stones near the invert. */
    private Decal pebbles(Rng rng) {
        Raster raster = new Raster(0.5f, 0.8f);
        for (int i = 3 + rng.below(10); i > 0; i--) {
            float x = 0.18f * rng.gaussian();
            float y = rng.uniform(-0.75, 0.75);
            float size = rng.uniform(0.02, 0.06);
            raster.stroke(x, y + size, x, y + size, size * 1.2f, size * 1.2f, 0.8f, 0.35f);
            raster.stroke(x, y, x + 0.01f, y, size, size, 1, rng.uniform(0.8, 1.5));
        }
        return new Decal(0, 0, rng.uniform(1, 3), raster, null);
    }
}
