package io.culvert.data.synth;

import io.culvert.data.DefectCode;
import java.util.EnumSet;

/** Chooses which defects a pipe has and adds them to its {@link Scene}. */
final class DefectSampler {
    private final double severity;
    private final CrackPainter cracks = new CrackPainter();
    private final SurfacePainter surfaces = new SurfacePainter();
    private final RootPainter roots = new RootPainter();
    private final ObstaclePainter obstacles = new ObstaclePainter();
    private final ConnectionPainter connections = new ConnectionPainter();

    /** @param severity scales how far the defects go: 1 as intended, less for a harder data set */
    DefectSampler(double severity) {
        this.severity = severity;
    }

    /**
     * One to three codes, 1.5 on average as in Sewer-ML, each in proportion to Sewer-ML's training images and at most
     * one of them a connection.
     */
    EnumSet<DefectCode> choose(Rng rng) {
        double pick = rng.unit();
        int wanted = pick < 0.6 ? 1 : pick < 0.9 ? 2 : 3;
        EnumSet<DefectCode> chosen = EnumSet.noneOf(DefectCode.class);
        while (chosen.size() < wanted) {
            DefectCode code = Codes.byFrequency(rng);
            boolean second = Codes.isConnection(code) && chosen.stream().anyMatch(Codes::isConnection);
            if (!second) {
                chosen.add(code);
            }
        }
        return chosen;
    }

    /** Draws one defect into the scene; how bad it is comes from {@code rng}. */
    void add(Scene scene, DefectCode code, Rng rng) {
        float grade = (float) severity * rng.uniform(0.45, 1);
        scene.codes.add(code);
        switch (code) {
            case RB -> cracks.add(scene, grade, rng);
            case OB -> surfaces.damage(scene, grade, rng);
            case PF -> surfaces.wrinkles(scene, grade, rng);
            case DE -> deform(scene, grade, rng);
            case FS -> displace(scene, grade, rng);
            case IS -> obstacles.seal(scene, grade, rng);
            case RO -> roots.add(scene, grade, rng);
            case IN -> surfaces.infiltration(scene, grade, rng);
            case AF -> settle(scene, grade, rng);
            case BE -> surfaces.encrustation(scene, grade, rng);
            case FO -> obstacles.object(scene, grade, rng);
            case GR, PH, PB, OS, OP, OK -> connections.add(scene, code, grade, rng);
        }
    }

    /** How far ahead of the camera a defect lies: near enough to be seen, as an inspector would frame it. */
    static float depth(Rng rng) {
        return rng.uniform(1.1, 1.9);
    }

    private static void deform(Scene scene, float grade, Rng rng) {
        boolean oval = rng.chance(0.6);
        float theta = oval ? rng.uniform(-0.3, 0.3) : scene.dryTheta(rng, 0.4f);
        float amount = grade * (oval ? 0.22f : 0.34f);
        float spread = rng.uniform(0.6, 1.1);
        float half = rng.uniform(0.8, 1.6);
        scene.deformation =
                Deformation.of(Codes.label(DefectCode.DE), oval, theta, spread, amount, rng.uniform(1.5, 2.4), half);
    }

    /** Puts the pipe beyond the nearest joint out of line, and opens the joint. */
    private static void displace(Scene scene, float grade, Rng rng) {
        float angle = rng.uniform(-Math.PI, Math.PI);
        float shift = 0.2f * grade;
        float dx = shift * (float) Math.sin(angle);
        float dy = shift * (float) Math.cos(angle);
        float wider = 1 + grade * rng.uniform(0.3, 2);
        for (int k = 0; k < scene.joints.size(); k++) {
            Joint joint = scene.joints.get(k);
            boolean first = k == 0;
            scene.joints.set(
                    k,
                    new Joint(
                            first ? Codes.label(DefectCode.FS) : joint.label(),
                            joint.z(),
                            first ? joint.gap() * wider : joint.gap(),
                            first ? Math.min(1, joint.contrast() * 1.3f) : joint.contrast(),
                            joint.nextX() + dx,
                            joint.nextY() + dy));
        }
    }

    private static void settle(Scene scene, float grade, Rng rng) {
        float level = scene.coverY() - (0.05f + 0.28f * grade);
        float from = rng.uniform(0.5, 1.5);
        float to = from + rng.uniform(1.6, 7);
        float light = rng.uniform(0.6, 1.4);
        float[] rgb = rng.chance(0.6)
                ? new float[] {0.30f * light, 0.235f * light, 0.16f * light}
                : new float[] {0.20f * light, 0.19f * light, 0.17f * light};
        scene.sediment = new Sediment(
                Codes.label(DefectCode.AF),
                level,
                from,
                to,
                rng.uniform(0.06, 0.22),
                rng.uniform(5, 16),
                rgb,
                (int) rng.nextLong() >>> 8);
    }
}
