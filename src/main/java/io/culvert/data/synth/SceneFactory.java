package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/**
 * The scene of every picture, by (split, index) alone: asking for one twice, in any order and on any thread, gives the
 * same scene, and a larger data set begins with the pictures of a smaller one.
 */
final class SceneFactory {
    /** Keys of independent streams. */
    private static final long NUISANCE = 1;

    private static final long LABELS = 2;
    private static final long DEFECT = 3;
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
