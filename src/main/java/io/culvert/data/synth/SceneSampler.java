package io.culvert.data.synth;

/**
 * Draws a sound pipe: everything that varies from frame to frame whether or not there is a defect. Defects never
 * influence what is drawn here, so none of it can tell the classes apart.
 */
final class SceneSampler {
    /** Share of frames from cameras without colour. */
    private static final double BLACK_AND_WHITE = 0.2;

    private final double nuisance;

    /** @param nuisance how much of the variation of pipes and cameras to keep: 1 all, 0 none */
    SceneSampler(double nuisance) {
        this.nuisance = nuisance;
    }

    Scene sample(Rng rng) {
        Scene scene = new Scene();
        scene.wall = wall(rng.fork());
        scene.camera = camera(rng.fork());
        scene.lamp = lamp(rng.fork());
        scene.water = water(rng.fork());
        joints(scene, rng.fork());
        ovality(scene, rng.fork());
        scene.sensor = sensor(scene.wall, rng.fork());
        captions(scene, rng.fork());
        new Distractors(nuisance).add(scene, rng.fork());
        return scene;
    }

    private float vary(Rng rng, double low, double high) {
        return (float) (0.5 * (low + high) + nuisance * (rng.unit() - 0.5) * (high - low));
    }

    private float spread(Rng rng, double deviation) {
        return (float) (nuisance * deviation * rng.gaussian());
    }

    private Scene.Wall wall(Rng rng) {
        double pick = nuisance == 0 ? 0 : rng.unit();
        Material material = pick < 0.42
                ? Material.CONCRETE
                : pick < 0.62
                        ? Material.CLAY
                        : pick < 0.78 ? Material.PVC : pick < 0.90 ? Material.LINER : Material.BRICK;
        float lightness = vary(rng, 0.7, 1.3);
        float[] rgb = new float[3];
        float[] foul = new float[3];
        float[] slime = {0.13f, 0.095f, 0.055f};
        for (int c = 0; c < 3; c++) {
            rgb[c] = material.rgb[c] * lightness * vary(rng, 0.85, 1.15);
            foul[c] = slime[c] * vary(rng, 0.6, 1.4) + 0.15f * rgb[c];
        }
        float grain = material.grain * vary(rng, 0.6, 1.2);
        float dirt = vary(rng, 0, 0.8);
        float tide = rng.chance(0.45 * nuisance) ? vary(rng, 0.35, 0.9) : 2;
        return new Scene.Wall(material, rgb, foul, grain, dirt, tide, (int) rng.nextLong() >>> 8);
    }

    private Scene.Camera camera(Rng rng) {
        float pan = spread(rng, 0.06);
        float tilt = spread(rng, 0.05);
        float roll = spread(rng, 0.07);
        float x = vary(rng, -0.16, 0.16);
        float y = vary(rng, -0.05, 0.25);
        return new Scene.Camera(x, y, rotation(pan, tilt, roll), vary(rng, 0.92, 1.35));
    }

    /** Roll about the lens axis, then tilt, then pan. */
    static float[] rotation(float pan, float tilt, float roll) {
        float cp = (float) Math.cos(pan);
        float sp = (float) Math.sin(pan);
        float ct = (float) Math.cos(tilt);
        float st = (float) Math.sin(tilt);
        float cr = (float) Math.cos(roll);
        float sr = (float) Math.sin(roll);
        return new float[] {
            cp * cr + sp * st * sr,
            -cp * sr + sp * st * cr,
            sp * ct,
            ct * sr,
            ct * cr,
            -st,
            -sp * cr + cp * st * sr,
            sp * sr + cp * st * cr,
            cp * ct
        };
    }

    private Scene.Lamp lamp(Rng rng) {
        return new Scene.Lamp(
                vary(rng, 1.0, 2.0),
                spread(rng, 0.12),
                spread(rng, 0.12),
                vary(rng, 0.7, 1.6),
                vary(rng, 0.01, 0.06),
                rng.chance(0.3 * nuisance) ? vary(rng, 0.03, 0.12) : 0.005f,
                vary(rng, 0.1, 0.5));
    }

    private Scene.Water water(Rng rng) {
        double pick = nuisance == 0 ? 0.5 : rng.unit();
        int percent = pick < 0.25 ? 0 : Math.round(pick < 0.8 ? vary(rng, 3, 15) : vary(rng, 15, 32));
        float murk = vary(rng, 0.6, 1.5);
        float[] rgb = {0.085f * murk, 0.075f * murk, 0.05f * murk * vary(rng, 0.7, 1.3)};
        float foam = rng.chance(0.3 * nuisance) ? rng.uniform(0.3, 1) : 0;
        float ripple = vary(rng, 0.02, 0.35);
        return new Scene.Water(percent == 0 ? 2 : 1 - 0.02f * percent, percent, ripple, rgb, foam);
    }

    /** A first joint always in view, the next ones a pipe length apart, each a hair out of line. */
    private void joints(Scene scene, Rng rng) {
        Material material = scene.wall.material();
        float length = vary(rng, material.shortestPipe, material.longestPipe);
        float gap = vary(rng, 0.012, 0.045);
        float contrast = Math.min(1, material.jointContrast * vary(rng, 0.45, 1.1));
        float z = vary(rng, 1.1, 2.3);
        while (z < 9) {
            scene.joints.add(new Joint(0, z, gap, contrast, spread(rng, 0.006), spread(rng, 0.006)));
            z += length;
        }
    }

    private void ovality(Scene scene, Rng rng) {
        float amount = (float) nuisance * rng.uniform(0, 0.02);
        scene.deformation = Deformation.of(0, true, rng.uniform(0, Math.PI), 1, amount, 3, 4);
    }

    private Scene.Sensor sensor(Scene.Wall wall, Rng rng) {
        float brightness = rng.uniform(0.16, 0.64);
        float warmth = rng.uniform(-1.6, 2.4);
        float contrast = rng.uniform(0.06, 0.22);
        float colour = rng.chance(BLACK_AND_WHITE) ? 0 : rng.uniform(0.3, 1.5);
        float green = rng.uniform(-1, 1);
        float[] tint = {1 + 0.16f * warmth, 1 + 0.14f * green, 1 - 0.28f * warmth};
        float grey = (wall.rgb()[0] + wall.rgb()[1] + wall.rgb()[2]) / 3;
        float[] mean = new float[3];
        for (int c = 0; c < 3; c++) {
            float material = (float) Math.pow(wall.rgb()[c] / grey, 0.45);
            mean[c] = brightness * tint[c] * material;
        }
        boolean moving = rng.chance(0.15 * nuisance);
        boolean sideways = rng.chance(0.5);
        int smear = moving ? 2 + rng.below(3) : 1;
        return new Scene.Sensor(
                vary(rng, 0.35, 1.15),
                sideways ? smear : 1,
                sideways ? 1 : smear,
                vary(rng, 0.008, 0.022),
                rng.chance(0.1 * nuisance) ? 1 + rng.below(2) : 0,
                vary(rng, 0.05, 0.45),
                mean,
                contrast,
                colour,
                vary(rng, 0.55, 0.93),
                (int) rng.nextLong());
    }

    private void captions(Scene scene, Rng rng) {
        int lines = nuisance == 0 ? 0 : rng.below(3);
        int first = rng.below(4);
        boolean redacted = rng.chance(0.3);
        float lightness = redacted ? rng.uniform(0, 0.5) : rng.uniform(0.75, 1);
        for (int line = 0; line < lines; line++) {
            String text = switch (rng.below(4)) {
                case 0 -> String.format("%02d.%02d.20%02d", 1 + rng.below(28), 1 + rng.below(12), 11 + rng.below(9));
                case 1 -> String.format("%d.%02d M", rng.below(100), rng.below(100));
                case 2 -> String.format("%02d:%02d:%02d", rng.below(24), rng.below(60), rng.below(60));
                default -> String.format("R%d-%d", 1000 + rng.below(9000), 100 + rng.below(900));
            };
            int corner = (first + line) & 3;
            float x = (corner & 1) == 0 ? 0.03f : 0.97f;
            float y = corner < 2 ? rng.uniform(0.02, 0.12) : rng.uniform(0.86, 0.97);
            scene.captions.add(new Scene.Caption(text, x, y, 1 + rng.below(2), lightness, redacted));
        }
    }
}
