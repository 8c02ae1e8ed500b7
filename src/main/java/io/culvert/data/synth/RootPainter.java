package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/** RO: roots that grow in at a joint: single strands, tufts, or a mass that fills part of the bore. */
final class RootPainter {
    private static final float STEP = 0.035f;

    void add(Scene scene, float grade, Rng rng) {
        float z = scene.joints.get(0).z();
        float theta = scene.dryTheta(rng, 0.3f);
        float light = rng.uniform(0.6, 1.5);
        float[] rgb = {0.42f * light, 0.30f * light, 0.18f * light};
        float breadth = rng.uniform(0.15, 0.4) + 0.6f * grade;
        float length = 0.35f + 0.75f * grade;
        int strands = 14 + (int) (46 * grade);
        int layers = 3;
        for (int layer = 0; layer < layers; layer++) {
            Raster raster = new Raster(1.05f, 1.05f);
            for (int i = 0; i < strands / layers + 1; i++) {
                float at = theta + 0.5f * breadth * (rng.uniform(-1, 1) + rng.uniform(-1, 1));
                grow(raster, rng, at, length * rng.uniform(0.35, 1), 0.034f);
            }
            scene.shapes.add(new Shape(Codes.label(DefectCode.RO), z + 0.03f + 0.07f * layer, 0, 0, raster, rgb));
        }
        creep(scene, rng, theta, z, breadth, rgb);
    }

    private static void grow(Raster raster, Rng rng, float theta, float length, float width) {
        float x = (float) Math.sin(theta);
        float y = (float) Math.cos(theta);
        double heading = Math.atan2(-y, -x) + 0.5 * rng.gaussian();
        strand(raster, rng, x, y, heading, length, width * rng.uniform(0.5, 1.2), 2);
    }

    /** Grows inwards, bends down under its weight, wanders and forks. */
    private static void strand(
            Raster raster, Rng rng, float x, float y, double heading, float length, float width, int forks) {
        float lightness = rng.uniform(0.45, 1.5);
        for (float gone = 0; gone < length; gone += STEP) {
            heading += 0.28 * rng.gaussian() + 0.10 * Math.cos(heading);
            float nextX = x + STEP * (float) Math.cos(heading);
            float nextY = y + STEP * (float) Math.sin(heading);
            float here = width * (1 - 0.7f * gone / length);
            raster.stroke(x, y, nextX, nextY, here, here, 0.95f, lightness);
            if (forks > 0 && rng.chance(0.16)) {
                double turn = rng.sign() * rng.uniform(0.3, 0.9);
                strand(raster, rng, nextX, nextY, heading + turn, (length - gone) * 0.7f, here * 0.7f, forks - 1);
            }
            x = nextX;
            y = nextY;
        }
    }

    /** Fine roots that cling to the wall behind the joint. */
    private static void creep(Scene scene, Rng rng, float theta, float z, float breadth, float[] rgb) {
        Raster raster = new Raster(0.3f + breadth, 0.45f);
        for (int i = 0; i < 10; i++) {
            float x = rng.uniform(-breadth, breadth) * 0.7f;
            double heading = Math.PI / 2 + 0.7 * rng.gaussian();
            strand(raster, rng, x, 0, heading, rng.uniform(0.1, 0.4), 0.018f, 1);
        }
        scene.decals.add(new Decal(Codes.label(DefectCode.RO), theta, z + 0.05f, raster, rgb));
    }
}
