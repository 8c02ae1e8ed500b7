package io.culvert.data.synth;

/** What covers the invert: a bed of sediment, and water that mirrors the pipe above it. */
final class FloorShader {
    private final Scene.Water water;
    private final Sediment sediment;
    private final Tracer tracer;
    private final WallShader wall;
    private final float phase;
    private final float travel;
    private final Noise noise = new Noise();

    /** Linear-light colour, ray parameter and mask value of the latest hit. */
    float r;

    float g;
    float b;
    float t;
    int label;

    FloorShader(Scene scene, Tracer tracer, WallShader wall) {
        water = scene.water;
        sediment = scene.sediment;
        this.tracer = tracer;
        this.wall = wall;
        phase = scene.wall.seed() & 0xff;
        travel = scene.travel;
    }

    /** Whether water or sediment lies on the ray before {@code limit}. */
    boolean shade(float ox, float oy, float dx, float dy, float dz, float limit) {
        if (dy <= 1e-4f) {
            return false;
        }
        float toWater = water.present() ? (water.y() - oy) / dy : Float.MAX_VALUE;
        float toBed = sediment == null ? Float.MAX_VALUE : bed(ox, oy, dx, dy, dz);
        t = Math.min(toWater, toBed);
        if (t >= limit || t * dz > 50) {
            return false;
        }
        if (toBed < toWater) {
            shadeBed(ox + t * dx, t * dz + travel);
        } else {
            shadeWater(ox, dx, dy, dz);
        }
        return true;
    }

    /** Ray parameter at which the bumpy bed is met, by fixed-point steps. */
    private float bed(float ox, float oy, float dx, float dy, float dz) {
        float at = (sediment.level() - oy) / dy;
        for (int step = 0; step < 4; step++) {
            float bump = noise.fractalPlane((ox + at * dx) * 2.2f, (at * dz + travel) * 1.6f, 2, sediment.seed());
            float y = sediment.surface(at * dz) - sediment.roughness() * bump;
            at = 0.5f * at + 0.5f * (y - oy) / dy;
        }
        return at;
    }

    private void shadeBed(float x, float z) {
        float grains = noise.fractalPlane(x * sediment.grain(), z * sediment.grain() * 0.7f, 3, sediment.seed() + 5);
        float relief = 1 + 0.35f * noise.slope;
        float heap = noise.fractalPlane(x * 2.2f, z * 1.6f, 2, sediment.seed());
        relief += 0.45f * noise.slope;
        float tone = Math.max(0.12f, relief) * (0.95f + 0.55f * grains + 0.3f * heap);
        r = sediment.rgb()[0] * tone;
        g = sediment.rgb()[1] * tone;
        b = sediment.rgb()[2] * tone;
        label = sediment.label();
    }

    private void shadeWater(float ox, float dx, float dy, float dz) {
        float hitT = t;
        float x = ox + t * dx;
        float z = t * dz;
        float wave = noise.fractalPlane(x * 5, (z + travel) * 2.4f + phase, 3, 77);
        float slope = noise.slope * water.ripple();
        float length = (float) Math.sqrt(dx * dx + dy * dy + dz * dz);
        float grazing = 1 - Math.min(1, Math.abs(dy) / length);
        float mirror = 0.12f + 0.75f * grazing * grazing;
        float up = -Math.max(0.02f, dy * (1 + slope * 2));
        tracer.trace(x, water.y(), z, dx + 0.5f * wave * water.ripple(), up, dz);
        wall.shade(tracer);
        float dim = mirror / (1 + 0.35f * Math.max(0, tracer.z - z));
        float body = (1 - mirror) * (1 + 0.5f * slope);
        float glint = Math.max(0, slope - 0.45f);
        float foam = foam(x, z);
        r = wall.r * dim + water.rgb()[0] * body + glint * 0.3f + foam;
        g = wall.g * dim + water.rgb()[1] * body + glint * 0.3f + foam;
        b = wall.b * dim + water.rgb()[2] * body + glint * 0.29f + foam * 0.9f;
        label = 0;
        t = hitT;
    }

    /** Flecks of foam along the shore. */
    private float foam(float x, float z) {
        if (water.foam() <= 0) {
            return 0;
        }
        float shore = (float) Math.sqrt(Math.max(0, 1 - water.y() * water.y())) - Math.abs(x);
        float near = Math.max(0, 1 - shore * 6);
        float flecks = noise.fractalPlane(x * 14 + 40, (z + travel) * 7, 2, 991);
        return water.foam() * near * Math.max(0, flecks) * 0.9f;
    }
}
