package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/** Side pipes, as each connection code makes them: GR, PH, PB, OS, OP, OK. */
final class ConnectionPainter {
    private static final float[] MORTAR = {0.40f, 0.38f, 0.34f};
    private static final float[] PLASTIC = {0.46f, 0.26f, 0.12f};

    private final Noise noise = new Noise();

    void add(Scene scene, DefectCode code, float grade, Rng rng) {
        float theta = sideways(scene, rng);
        float z = rng.uniform(1.25, 2.2);
        float radius = 0.2f + 0.2f * grade * rng.uniform(0.7, 1);
        float slant = rng.chance(0.5) ? 0 : rng.uniform(-0.8, 0.8);
        float[] wall = scene.wall.rgb();
        float[] bore = {wall[0] * 0.8f, wall[1] * 0.8f, wall[2] * 0.8f};
        int seed = (int) rng.nextLong() >>> 8;
        Opening opening = switch (code) {
            case GR ->
                new Opening(
                        Codes.label(code),
                        theta,
                        z,
                        radius,
                        0,
                        0,
                        0.22f,
                        -1.1f,
                        slant,
                        lighter(wall, 1.15f),
                        bore,
                        seed);
            case PH ->
                new Opening(
                        Codes.label(code),
                        theta,
                        z,
                        radius,
                        intrusion(rng, grade),
                        0.45f,
                        0.3f,
                        -0.8f,
                        slant,
                        MORTAR,
                        bore,
                        seed);
            case PB ->
                new Opening(
                        Codes.label(code),
                        theta,
                        z,
                        radius,
                        intrusion(rng, grade),
                        0.02f,
                        0.14f,
                        -0.6f,
                        slant,
                        PLASTIC,
                        bore,
                        seed);
            case OS ->
                new Opening(
                        Codes.label(code),
                        theta,
                        z,
                        radius,
                        0,
                        0.7f,
                        0.12f,
                        -1.2f,
                        slant,
                        lighter(wall, 1.7f),
                        bore,
                        seed);
            case OP ->
                new Opening(
                        Codes.label(code), theta, z, radius, 0, 0, 0.75f, 0.9f, slant, lighter(wall, 1), bore, seed);
            case OK ->
                new Opening(Codes.label(code), theta, z, radius, 0, 0.12f, 0.2f, -0.9f, slant, MORTAR, PLASTIC, seed);
            default -> throw new IllegalArgumentException(code + " is no connection");
        };
        if (code == DefectCode.OK) {
            scene.decals.add(repair(opening, rng));
        }
        if (rng.chance(0.4)) {
            scene.decals.add(outflow(opening, rng));
        }
        scene.openings.add(opening);
    }

    /** Side pipes come in between the springline and the shoulder, seldom at the crown. */
    private static float sideways(Scene scene, Rng rng) {
        float dry = Math.abs(scene.dryTheta(rng, 0.45f));
        return rng.sign() * Math.max(Math.min(dry, 2.6f), 1.0f);
    }

    private static float intrusion(Rng rng, float grade) {
        return rng.chance(0.6) ? 0.08f + 0.22f * grade : 0;
    }

    private static float[] lighter(float[] rgb, float factor) {
        return new float[] {rgb[0] * factor, rgb[1] * factor, rgb[2] * factor};
    }

    /** The piece of other material round a connection that was put in later. */
    private Decal repair(Opening opening, Rng rng) {
        float half = opening.radius() * rng.uniform(1.7, 2.3);
        Raster raster = new Raster(half * 1.15f, half);
        int seed = opening.seed() + 77;
        boolean square = rng.chance(0.5);
        raster.fill(
                (x, y) -> {
                    float rough = 0.12f * noise.fractalPlane(x * 8, y * 8, 2, seed);
                    float ax = Math.abs(x) / raster.halfX;
                    float ay = Math.abs(y) / raster.halfY;
                    float d = square ? Math.max(ax, ay) : (float) Math.sqrt(ax * ax + ay * ay);
                    return 14 * (0.86f + rough - d);
                },
                (x, y) -> 1 + 0.5f * noise.fractalPlane(x * 10, y * 10, 3, seed + 1) + 0.25f * noise.slope);
        float[] rgb =
                rng.chance(0.6) ? lighter(MORTAR, rng.uniform(0.8, 1.4)) : lighter(PLASTIC, rng.uniform(0.8, 1.2));
        return new Decal(opening.label(), opening.theta(), opening.z(), raster, rgb);
    }

    /** The stain below a side pipe in use. */
    private static Decal outflow(Opening opening, Rng rng) {
        float half = 0.5f * Math.abs(opening.theta());
        Raster raster = new Raster(half, opening.radius());
        float side = Math.signum(opening.theta());
        float tone = rng.chance(0.5) ? rng.uniform(0.35, 0.6) : rng.uniform(1.3, 1.6);
        for (int i = 0; i < 6; i++) {
            float y = 0.45f * opening.radius() * rng.uniform(-1, 1);
            float end = -side * half * rng.uniform(0, 0.95);
            raster.stroke(side * half * 0.9f, y, end, y, 0.08f, 0.03f, 0.6f, tone);
        }
        return new Decal(0, side * half, opening.z(), raster, null);
    }
}
