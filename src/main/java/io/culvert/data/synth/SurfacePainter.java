package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/** What happens on the wall's surface: damage OB, production error PF, infiltration IN, attached deposits BE. */
final class SurfacePainter {
    private final Noise noise = new Noise();

    /** OB: corroded or spalled wall with its aggregate, and sometimes its reinforcement, laid bare. */
    void damage(Scene scene, float grade, Rng rng) {
        Raster raster = new Raster(rng.uniform(0.35, 0.55) + 0.65f * grade, rng.uniform(0.3, 0.5) + 0.5f * grade);
        int seed = (int) rng.nextLong() >>> 8;
        float light = rng.uniform(0.55, 1.5);
        float deep = 0.25f + 0.35f * grade;
        float grain = rng.uniform(11, 20);
        raster.fill((x, y) -> 5 * blob(raster, x, y, 4.5f, seed), (x, y) -> {
            float pits = noise.fractalPlane(x * 5, y * 5, 2, seed + 3);
            float slope = noise.slope;
            float stones = noise.fractalPlane(x * grain, y * grain, 2, seed + 4);
            return light * (1 + deep * (1.5f * stones + 0.7f * pits + 0.8f * noise.slope + 0.5f * slope));
        });
        if (rng.chance(0.3 * grade)) {
            reinforcement(raster, rng);
        }
        float[] rgb = tinted(scene, rng, 0.30f, 0.26f, 0.20f);
        scene.decals.add(new Decal(Codes.label(DefectCode.OB), scene.dryTheta(rng, 0.2f), depth(rng), raster, rgb));
    }

    private static void reinforcement(Raster raster, Rng rng) {
        for (float y = -0.5f * raster.halfY; y < 0.6f * raster.halfY; y += 0.22f) {
            float half = 0.6f * raster.halfX;
            raster.stroke(-half, y, half, y + rng.uniform(-0.03, 0.03), 0.035f, 0.03f, 1, 0.3f);
        }
    }

    /** PF: folds and blisters that a pipe or liner got when it was made. */
    void wrinkles(Scene scene, float grade, Rng rng) {
        Raster raster = new Raster(0.5f + 0.6f * grade, rng.uniform(0.35, 0.8));
        int seed = (int) rng.nextLong() >>> 8;
        boolean round = rng.chance(0.6);
        float per = rng.uniform(6, 12);
        float depth = 0.5f + 0.6f * grade;
        raster.fill((x, y) -> 3 * blob(raster, x, y, 1.5f, seed), (x, y) -> {
            float warp = noise.fractalPlane(x * 2.5f, y * 2.5f, 2, seed + 9) * 2.2f;
            float phase = (round ? y : x) * per + warp;
            float ridge = (float) Math.sin(phase);
            return 1 + depth * (ridge > 0 ? ridge : 0.7f * ridge);
        });
        scene.decals.add(new Decal(Codes.label(DefectCode.PF), scene.dryTheta(rng, 0.3f), depth(rng), raster, null));
    }

    /** IN: ground water that enters at a joint or hole, runs down the wall and leaves lime and rust. */
    void infiltration(Scene scene, float grade, Rng rng) {
        float from = rng.uniform(1.6, 2.8);
        float half = 0.5f * from;
        int side = rng.sign();
        float z = rng.chance(0.7) ? scene.joints.get(0).z() : depth(rng);
        Raster wet = new Raster(half, 0.3f);
        Raster crust = new Raster(half, 0.3f);
        for (int i = 3 + (int) (5 * grade); i > 0; i--) {
            float start = side * half * rng.uniform(0.3, 0.95);
            float y = 0.11f * rng.gaussian();
            float end = -side * half * rng.uniform(0, 0.95);
            stream(wet, rng, start, end, y, 0.05f + 0.05f * grade, 0.3f);
            stream(crust, rng, start, end, y + 0.03f, 0.02f + 0.035f * grade, rng.uniform(0.7, 1.4));
        }
        crust.stroke(side * half * 0.9f, 0, side * half * 0.6f, 0, 0.1f + 0.1f * grade, 0.06f, 1, 1.2f);
        float[] lime = rng.chance(0.6) ? new float[] {0.62f, 0.58f, 0.48f} : new float[] {0.42f, 0.17f, 0.04f};
        float theta = side * half;
        scene.decals.add(new Decal(Codes.label(DefectCode.IN), theta, z, wet, null));
        scene.decals.add(new Decal(Codes.label(DefectCode.IN), theta, z, crust, lime));
    }

    private static void stream(Raster raster, Rng rng, float from, float to, float y, float width, float tone) {
        float step = Math.copySign(0.05f, to - from);
        int steps = (int) ((to - from) / step);
        for (int i = 0; i < steps; i++) {
            float next = y + 0.012f * rng.gaussian();
            float x = from + i * step;
            float here = width * rng.uniform(0.6, 1.3);
            raster.stroke(x, y, x + step, next, here, here, rng.uniform(0.6, 0.95), tone);
            y = next;
        }
    }

    /** BE: lumps of lime, grease or fat that grew on the wall. */
    void encrustation(Scene scene, float grade, Rng rng) {
        boolean atJoint = rng.chance(0.4);
        Raster raster = new Raster(0.4f + 0.8f * grade, atJoint ? 0.22f + 0.2f * grade : 0.3f + 0.45f * grade);
        int seed = (int) rng.nextLong() >>> 8;
        float lump = rng.uniform(4, 8);
        raster.fill((x, y) -> 7 * blob(raster, x, y, 5, seed), (x, y) -> {
            float n = noise.fractalPlane(x * lump, y * lump, 3, seed + 21);
            float height = blob(raster, x, y, 5, seed);
            float rise = blob(raster, x, y - 0.05f, 5, seed) - height;
            return 0.75f + 0.5f * noise.slope + 0.5f * n - 1.3f * rise;
        });
        float[] rgb = switch (rng.below(3)) {
            case 0 -> new float[] {0.60f, 0.56f, 0.46f};
            case 1 -> new float[] {0.34f, 0.22f, 0.10f};
            default -> new float[] {0.12f, 0.10f, 0.07f};
        };
        float z = atJoint ? scene.joints.get(0).z() : depth(rng);
        scene.decals.add(new Decal(Codes.label(DefectCode.BE), scene.dryTheta(rng, 0.2f), z, raster, rgb));
    }

    /** Positive inside an irregular patch that stays clear of the raster's border, negative outside. */
    private float blob(Raster raster, float x, float y, float cells, int seed) {
        float rx = x / raster.halfX;
        float ry = y / raster.halfY;
        float r2 = rx * rx + ry * ry;
        return 0.72f - r2 + (1.1f - r2) * 1.1f * noise.fractalPlane(x * cells * 0.7f, y * cells * 0.7f, 3, seed);
    }

    /** A colour between the given one and the wall's own. */
    private static float[] tinted(Scene scene, Rng rng, float r, float g, float b) {
        float own = rng.uniform(0.3, 0.7);
        float[] wall = scene.wall.rgb();
        return new float[] {
            r + own * (wall[0] - r), g + own * (wall[1] - g), b + own * (wall[2] - b),
        };
    }

    private static float depth(Rng rng) {
        return DefectSampler.depth(rng);
    }
}
