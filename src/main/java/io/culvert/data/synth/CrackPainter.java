package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/** RB: cracks that run along or round the pipe and branch, breaks with a shard missing. */
final class CrackPainter {
    private static final float STEP = 0.05f;
    private static final float[] SHADE = {0.035f, 0.028f, 0.022f};

    private final Noise noise = new Noise();

    void add(Scene scene, float grade, Rng rng) {
        Raster raster = new Raster(1.3f, 1.3f);
        double heading = switch (rng.below(3)) {
            case 0 -> Math.PI / 2;
            case 1 -> 0;
            default -> rng.uniform(0.3, 1.2);
        };
        float width = 0.022f + 0.035f * grade;
        int lines = 1 + (rng.chance(0.5 * grade) ? 1 : 0);
        for (int i = 0; i < lines; i++) {
            float x = rng.uniform(-0.15, 0.15);
            float y = rng.uniform(-0.15, 0.15);
            float length = 0.5f + 0.9f * grade * rng.uniform(0.6, 1);
            walk(raster, rng, x, y, heading, width, length, 2);
            walk(raster, rng, x, y, heading + Math.PI, width, length, 2);
        }
        if (rng.chance(0.55 * grade)) {
            shard(raster, rng, 0.10f + 0.2f * grade);
        }
        float theta = scene.dryTheta(rng, 0.3f);
        float z = DefectSampler.depth(rng);
        scene.decals.add(edges(raster, theta, z));
        scene.decals.add(new Decal(Codes.label(DefectCode.RB), theta, z, raster, SHADE));
    }

    /** A random walk with branches; the line thins out towards its end. */
    private void walk(
            Raster raster, Rng rng, float x, float y, double heading, float width, float length, int branchings) {
        double aim = heading;
        for (float gone = 0; gone < length; gone += STEP) {
            aim += 0.38 * rng.gaussian() + 0.25 * (heading - aim);
            float nextX = x + STEP * (float) Math.cos(aim);
            float nextY = y + STEP * (float) Math.sin(aim);
            float here = width * (1 - 0.75f * gone / length) * rng.uniform(0.8, 1.2);
            raster.stroke(x, y, nextX, nextY, here, here * 0.95f, 0.96f, rng.uniform(0.7, 1.3));
            if (branchings > 0 && rng.chance(0.14)) {
                double turn = rng.sign() * rng.uniform(0.4, 1.1);
                walk(raster, rng, nextX, nextY, heading + turn, here * 0.7f, length * 0.45f, branchings - 1);
            }
            x = nextX;
            y = nextY;
        }
    }

    /** A hole with straight broken edges where a piece fell out: soil shows behind, the far edge of the wall is lit. */
    private void shard(Raster raster, Rng rng, float size) {
        int edges = 4 + rng.below(3);
        float[] normalX = new float[edges];
        float[] normalY = new float[edges];
        float[] reach = new float[edges];
        float start = rng.uniform(0, Math.PI);
        for (int i = 0; i < edges; i++) {
            double angle = start + (i + rng.uniform(-0.3, 0.3)) * Angles.TURN / edges;
            normalX[i] = (float) Math.cos(angle);
            normalY[i] = (float) Math.sin(angle);
            reach[i] = size * rng.uniform(0.35, 1.1);
        }
        int seed = (int) rng.nextLong() >>> 8;
        for (int j = 0; j < raster.height; j++) {
            for (int i = 0; i < raster.width; i++) {
                float x = (2 * (i + 0.5f) / raster.width - 1) * raster.halfX;
                float y = (2 * (j + 0.5f) / raster.height - 1) * raster.halfY;
                float outside = -size;
                for (int k = 0; k < edges; k++) {
                    outside = Math.max(outside, normalX[k] * x + normalY[k] * y - reach[k]);
                }
                outside += 0.02f * noise.fractalPlane(x * 14, y * 14, 2, seed);
                if (outside < 0) {
                    boolean lit = outside > -0.05f && y > 0;
                    raster.cover[j * raster.width + i] = 0.97f;
                    raster.tone[j * raster.width + i] =
                            lit ? 7 : 1.4f + 2.2f * noise.fractalPlane(x * 10, y * 10, 3, seed + 1);
                }
            }
        }
    }

    /** Chipped, lit edges just beyond the crack: what makes it read as a gap and not as a line of paint. */
    private static Decal edges(Raster crack, float theta, float z) {
        Raster rim = new Raster(crack.halfX, crack.halfY);
        int shift = 2;
        for (int j = shift; j < rim.height; j++) {
            for (int i = 0; i < rim.width; i++) {
                rim.cover[j * rim.width + i] = 0.8f * crack.cover[(j - shift) * rim.width + i];
                rim.tone[j * rim.width + i] = 1.5f;
            }
        }
        return new Decal(0, theta, z, rim, null);
    }
}
