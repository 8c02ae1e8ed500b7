package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/** Things in the bore: obstacles FO on the invert or across it, sealing rings IS that hang from a joint. */
final class ObstaclePainter {
    private final Noise noise = new Noise();

    /** FO: a brick, a bottle, a stone, or a bar stuck across the pipe. */
    void object(Scene scene, float grade, Rng rng) {
        float floor = scene.coverY();
        float size = 0.14f + 0.2f * grade;
        float x = rng.uniform(-0.3, 0.3);
        float z = DefectSampler.depth(rng);
        float lowest = Math.min(floor, (float) Math.sqrt(1 - x * x));
        switch (rng.below(4)) {
            case 0 -> place(scene, z, x, lowest - size * 0.5f, brick(size, rng), brickColour(rng));
            case 1 -> place(scene, z, x, lowest - size * 0.35f, bottle(size, rng), glass(rng));
            case 2 -> place(scene, z, x, lowest - size * 0.5f, stone(size, rng), new float[] {0.3f, 0.28f, 0.25f});
            default -> bar(scene, z, grade, rng);
        }
    }

    private static void place(Scene scene, float z, float x, float y, Raster raster, float[] rgb) {
        Raster shadow = new Raster(raster.halfX * 1.3f, 0.25f);
        shadow.fill((u, v) -> 0.8f - 3 * Math.abs(v) - 0.4f * Math.abs(u) / shadow.halfX, (u, v) -> 0.35f);
        scene.decals.add(new Decal(0, (float) Math.asin(x), z + 0.15f, shadow, null));
        scene.shapes.add(new Shape(Codes.label(DefectCode.FO), z, x, y, raster, rgb));
    }

    private static float[] brickColour(Rng rng) {
        float light = rng.uniform(0.7, 1.3);
        return new float[] {0.42f * light, 0.17f * light, 0.10f * light};
    }

    private static float[] glass(Rng rng) {
        return rng.chance(0.5) ? new float[] {0.08f, 0.2f, 0.09f} : new float[] {0.35f, 0.4f, 0.42f};
    }

    /** A box turned in the picture plane, its top face lighter than its front. */
    private Raster brick(float size, Rng rng) {
        Raster raster = new Raster(size * 1.3f, size * 1.3f);
        double turn = rng.uniform(-0.5, 0.5);
        float c = (float) Math.cos(turn);
        float s = (float) Math.sin(turn);
        int seed = (int) rng.nextLong() >>> 8;
        float tall = size * rng.uniform(0.4, 0.65);
        raster.fill(
                (x, y) -> {
                    float u = Math.abs(c * x + s * y) - size;
                    float v = Math.abs(-s * x + c * y) - tall;
                    return 0.5f - 90 * Math.max(u, v);
                },
                (x, y) -> {
                    float v = -s * x + c * y;
                    float face = v < -0.35f * tall ? 1.7f : 0.9f;
                    return face + 0.7f * noise.fractalPlane(x * 16, y * 16, 2, seed);
                });
        return raster;
    }

    /** A capsule with a neck and a long highlight. */
    private static Raster bottle(float size, Rng rng) {
        Raster raster = new Raster(size * 1.7f, size * 0.8f);
        float radius = size * 0.42f;
        raster.stroke(-size * 0.8f, 0, size * 0.35f, 0, 2 * radius, 2 * radius, 0.95f, 1);
        raster.stroke(size * 0.4f, 0, size * 1.4f, 0, 0.8f * radius, 0.7f * radius, 0.95f, 1);
        float lit = -radius * 0.5f;
        raster.stroke(-size * 0.7f, lit, size * 0.3f, lit, radius * 0.25f, radius * 0.2f, 1, rng.uniform(2.5, 4.5));
        return raster;
    }

    private Raster stone(float size, Rng rng) {
        Raster raster = new Raster(size * 1.3f, size * 1.1f);
        int seed = (int) rng.nextLong() >>> 8;
        raster.fill(
                (x, y) -> {
                    float d = (x * x / (size * size) + y * y / (0.6f * size * size))
                            * (1 + 0.7f * noise.fractalPlane(x * 4, y * 4, 2, seed));
                    return 8 * (1 - d);
                },
                (x, y) -> 1 - 1.1f * y / size + 0.7f * noise.fractalPlane(x * 9, y * 9, 3, seed + 2));
        return raster;
    }

    /** A branch or bar wedged between the walls. */
    private static void bar(Scene scene, float z, float grade, Rng rng) {
        Raster raster = new Raster(1.02f, 1.02f);
        float a = scene.dryTheta(rng, 0.2f);
        float b = Angles.wrap(a + rng.uniform(1.6, 3.6));
        float width = 0.06f + 0.1f * grade;
        float tone = rng.uniform(0.6, 1.4);
        raster.stroke(sin(a), cos(a), sin(b), cos(b), width, width * 0.8f, 1, tone);
        scene.shapes.add(new Shape(Codes.label(DefectCode.FO), z, 0, 0, raster, new float[] {0.3f, 0.2f, 0.12f}));
    }

    /** IS: a rubber ring that left its groove: a loop that sags into the bore between two points of the joint. */
    void seal(Scene scene, float grade, Rng rng) {
        Raster raster = new Raster(1.05f, 1.05f);
        float centre = scene.dryTheta(rng, 0.5f);
        float span = rng.uniform(0.5, 0.9) + 0.5f * grade;
        float sag = 0.12f + 0.4f * grade;
        float width = 0.05f + 0.04f * grade;
        int steps = 48;
        float skew = rng.uniform(-0.3, 0.3);
        float lastX = sin(centre - span);
        float lastY = cos(centre - span);
        for (int i = 1; i <= steps; i++) {
            float share = (float) i / steps;
            float theta = centre + span * (2 * share - 1);
            float bow = (float) Math.sin(Math.PI * Math.pow(share, 1 + skew));
            float rho = 0.995f - sag * bow;
            float x = rho * sin(theta);
            float y = rho * cos(theta);
            raster.stroke(lastX, lastY, x, y, width, width, 1, 1);
            lastX = x;
            lastY = y;
        }
        float[] rgb = rng.chance(0.7) ? new float[] {0.035f, 0.035f, 0.038f} : new float[] {0.35f, 0.33f, 0.3f};
        scene.shapes.add(
                new Shape(Codes.label(DefectCode.IS), scene.joints.get(0).z() - 0.02f, 0, 0, raster, rgb));
    }

    private static float sin(float angle) {
        return (float) Math.sin(angle);
    }

    private static float cos(float angle) {
        return (float) Math.cos(angle);
    }
}
