package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/**
 * The scene of every picture, by (split, index) alone: asking for one twice, in any order, gives the same scene, and a
 * larger data set begins with the pictures of a smaller one. Not thread safe: one per thread, all of which agree.
 */
final class SceneFactory {
    /** Keys of independent streams. */
    private static final long NUISANCE = 1;

    private static final long LABELS = 2;
    private static final long DEFECT = 3;
    private static final long MOVEMENT = 4;
    /** Pipe radii that the camera moves on from frame to frame; fewer where many frames share a stretch of pipe. */
    private static final float STEP = 0.1f;

    private static final float STRETCH = 0.6f;
    private static final double GOLDEN = 0.6180339887498949;

    private final long seed;
    private final double defectShare;
    private final SceneSampler scenes;
    private final DefectSampler defects;

    SceneFactory(long seed, double defectShare, double nuisance, double severity) {
        this.seed = seed;
        this.defectShare = defectShare;
        this.scenes = new SceneSampler(nuisance);
        this.defects = new DefectSampler(severity);
    }

    /**
     * Whether the picture has a defect. The golden-ratio sequence keeps the share of every prefix within a picture or
     * two of the one asked for, without a period that a split by index could meet.
     */
    boolean defective(int split, long index) {
        double start = Rng.of(seed, split, LABELS).unit();
        double place = start + (index + 1) * GOLDEN;
        return place - Math.floor(place) < defectShare;
    }

    Scene scene(int split, long index) {
        Scene scene = sound(split, index);
        if (defective(split, index)) {
            for (DefectCode code : defects.choose(Rng.of(seed, split, index, LABELS))) {
                add(scene, split, index, code);
            }
        }
        return scene;
    }

    /**
     * One of some neighbouring frames of a pipe. The camera comes nearer to what the pipe's {@link #scene} shows, which the
     * last frame has where that has it, sways a little, and its exposure wavers; noise is each frame's own. All frames have
     * the pipe's defects.
     */
    Scene frame(int split, long pipe, int frame, int frames) {
        Scene scene = scene(split, pipe);
        if (frames == 1) {
            return scene;
        }
        float step = Math.min(STEP, STRETCH / (frames - 1));
        scene.travel = frame * step;
        scene.shift((frames - 1 - frame) * step);
        Rng rng = Rng.of(seed, split, pipe, MOVEMENT, frame);
        Scene.Camera camera = scene.camera;
        float[] sway = SceneSampler.rotation(0.01f * rng.gaussian(), 0.01f * rng.gaussian(), 0.015f * rng.gaussian());
        scene.camera = new Scene.Camera(
                camera.x() + 0.01f * rng.gaussian(), camera.y() + 0.01f * rng.gaussian(),
                product(camera.rotation(), sway), camera.focal());
        Scene.Sensor sensor = scene.sensor;
        float exposure = 1 + 0.02f * rng.gaussian();
        float[] mean = sensor.mean().clone();
        for (int c = 0; c < mean.length; c++) {
            mean[c] *= exposure;
        }
        scene.sensor = new Scene.Sensor(
                sensor.blur(), sensor.motionX(), sensor.motionY(), sensor.noise(), sensor.interlace(), sensor.vignette(),
                mean, sensor.deviation() * exposure, sensor.colour(), sensor.jpegQuality(), (int) rng.nextLong());
        return scene;
    }

    private static float[] product(float[] a, float[] b) {
        float[] product = new float[9];
        for (int i = 0; i < 9; i++) {
            for (int k = 0; k < 3; k++) {
                product[i] += a[i / 3 * 3 + k] * b[3 * k + i % 3];
            }
        }
        return product;
    }

    /** The same pipe, camera and lamp without its defects. */
    Scene sound(int split, long index) {
        return scenes.sample(Rng.of(seed, split, index, NUISANCE));
    }

    /** The same pipe with {@code code} and nothing else. */
    Scene with(int split, long index, DefectCode code) {
        Scene scene = sound(split, index);
        add(scene, split, index, code);
        return scene;
    }

    private void add(Scene scene, int split, long index, DefectCode code) {
        defects.add(scene, code, Rng.of(seed, split, index, DEFECT, code.ordinal()));
    }
}
