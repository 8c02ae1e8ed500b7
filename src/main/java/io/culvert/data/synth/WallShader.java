package io.culvert.data.synth;

/** The colour of the wall at a hit of the {@link Tracer}, before the lamp: material, joints, dirt and decals. */
final class WallShader {
    private static final int BRICK_COURSES = 24;
    private static final float VISIBLE_DENT = 0.05f;
    private static final float BRICK_LENGTH = 0.55f;

    private final Scene.Wall wall;
    private final Material material;
    private final Grain texture;
    private final float shiftRound;
    private final float shiftAlong;
    private final Grain.Sampler grain = new Grain.Sampler();
    private final Noise noise = new Noise();
    private final Joint[] joints;
    private final Decal[] decals;
    private final int deformationLabel;
    private final float pixelAngle;
    private final float travel;

    /** Linear-light colour of the latest call, relief shading included. */
    float r;

    float g;
    float b;

    /** Mask value of the defect seen there, 0 for none. */
    int label;

    /** @param pixelAngle width of a pixel at unit distance */
    WallShader(Scene scene, float pixelAngle) {
        wall = scene.wall;
        material = wall.material();
        joints = scene.joints.toArray(new Joint[0]);
        decals = scene.decals.toArray(new Decal[0]);
        deformationLabel = scene.deformation.label();
        this.pixelAngle = pixelAngle;
        travel = scene.travel;
        texture = material == Material.PVC || material == Material.LINER ? Grain.SMOOTH : Grain.COARSE;
        shiftRound = (wall.seed() & 0x3ff) / 1024f;
        shiftAlong = (wall.seed() >>> 10 & 0x3ff) / 1024f;
    }

    void shade(Tracer hit) {
        label = 0;
        float turn = hit.theta / Angles.TURN + 0.5f;
        float z = hit.z;
        float footprint = z * z * pixelAngle;
        if (hit.face) {
            endFace(hit, turn);
            return;
        }
        if (deformationLabel != 0 && Math.abs(hit.dent) > VISIBLE_DENT) {
            label = deformationLabel;
        }
        material(turn, hit.y, z + travel, footprint);
        jointsAround(hit, turn, footprint);
        for (Decal decal : decals) {
            apply(decal, hit.theta, z);
        }
        float relief = 1 + 0.9f * hit.narrowing;
        multiply(Math.max(0.1f, relief));
    }

    /** The annulus of pipe that a displaced length shows to the camera: broken-looking and square to the lamp. */
    private void endFace(Tracer hit, float turn) {
        float tone = 1.55f + 0.5f * noise.fractal(turn, hit.y * 3 + 4, 48, 2, wall.seed() + 91);
        r = wall.rgb()[0] * tone;
        g = wall.rgb()[1] * tone;
        b = wall.rgb()[2] * tone;
        label = joints[hit.segment - 1].label();
    }

    private void material(float turn, float height, float z, float footprint) {
        grain.sample(texture, turn + shiftRound, z + shiftAlong * Grain.LENGTH, footprint);
        float relief = 1 + material.bump * grain.slope;
        float tone = Math.max(0.15f, 1 + wall.grain() * grain.value) * Math.max(0.3f, relief);
        float glint = Math.max(0, grain.slope - 0.55f);
        float shine = 0.5f * material.gloss * glint * glint;
        float dirt = dirt(turn, height, z, footprint);
        float[] clean = wall.rgb();
        float[] foul = wall.dirtRgb();
        r = (clean[0] + dirt * (foul[0] - clean[0])) * tone + shine;
        g = (clean[1] + dirt * (foul[1] - clean[1])) * tone + shine;
        b = (clean[2] + dirt * (foul[2] - clean[2])) * tone + shine;
        if (material == Material.BRICK) {
            mortar(turn, z, footprint);
        }
    }

    /** Slow patches of biofilm, and the darker band that high water left. */
    private float dirt(float turn, float height, float z, float footprint) {
        grain.sample(Grain.PATCHES, turn + shiftAlong, z * 0.7f + shiftRound, footprint);
        float patch = 0.5f + grain.value;
        float tide = (height - wall.tideY()) * 9 + 1.5f * grain.value;
        float amount = wall.dirt() * patch + 0.55f * Math.max(0, Math.min(1, tide));
        return Math.max(0, Math.min(0.92f, amount));
    }

    private void mortar(float turn, float z, float footprint) {
        float course = turn * BRICK_COURSES;
        int row = (int) course;
        float across = Math.abs(course - row - 0.5f);
        float along = z / BRICK_LENGTH + 0.5f * (row & 1);
        float column = (float) Math.floor(along);
        along = Math.abs(along - column - 0.5f);
        float near = Math.max((across - 0.40f) * 12, (along - 0.45f) * 22);
        float fade = Math.max(0, Math.min(1, 1.5f - footprint * 5));
        float m = fade * Math.max(0, Math.min(1, near));
        float brick = 0.8f + 0.4f * noise.plane(row * 3.7f, column * 5.3f, wall.seed() + 5);
        brick = 1 + fade * (brick - 1);
        r = r * brick * (1 - m) + m * 0.17f;
        g = g * brick * (1 - m) + m * 0.135f;
        b = b * brick * (1 - m) + m * 0.10f;
    }

    private void jointsAround(Tracer hit, float turn, float footprint) {
        int k = hit.segment;
        if (k > 0) {
            joint(joints[k - 1], hit, turn, footprint, true);
        }
        if (k < joints.length) {
            joint(joints[k], hit, turn, footprint, false);
        }
    }

    /** The dark gap of a joint, its lit far edge, and the shade that a displaced length throws on the next. */
    private void joint(Joint joint, Tracer hit, float turn, float footprint, boolean behind) {
        float gap = joint.gap();
        float distance = hit.z - joint.z();
        if (distance > 1.2f || distance < -4 * gap) {
            return;
        }
        if (distance < 6 * gap) {
            ring(joint, distance, turn, footprint);
        }
        if (behind) {
            recess(joint, hit, distance);
        }
    }

    private void ring(Joint joint, float distance, float turn, float footprint) {
        float gap = joint.gap();
        float uneven = 0.75f + 0.5f * noise.value(turn * 12, (joint.z() + travel) * 3, 12, wall.seed() + 31);
        float resolved = Math.min(1, gap * 2 / footprint) * joint.contrast();
        float s = distance / (gap * uneven);
        float dark = (float) Math.exp(-s * s) * 0.9f * resolved;
        float e = distance / gap - 2.4f;
        float edge = (float) Math.exp(-e * e) * 0.55f * resolved;
        if (dark > 0.25f && joint.label() != 0) {
            label = joint.label();
        }
        multiply((1 - dark) * (1 + edge));
    }

    /** Where the next length lies further out than this one, the step shades it. */
    private void recess(Joint joint, Tracer hit, float distance) {
        int k = hit.segment;
        float shiftX = joint.nextX() - (k > 1 ? joints[k - 2].nextX() : 0);
        float shiftY = joint.nextY() - (k > 1 ? joints[k - 2].nextY() : 0);
        float outward = shiftX * hit.x + shiftY * hit.y;
        if (outward <= 0.004f || distance < 0) {
            return;
        }
        float shade = (float) Math.exp(-distance / (2.2f * joint.z() * outward));
        multiply(1 - 0.8f * shade);
        if (joint.label() != 0 && shade > 0.35f) {
            label = joint.label();
        }
    }

    private void apply(Decal decal, float theta, float z) {
        Raster raster = decal.raster();
        float along = z - decal.z();
        if (along > raster.halfY || along < -raster.halfY) {
            return;
        }
        float round = Angles.wrap(theta - decal.theta());
        if (round > raster.halfX || round < -raster.halfX || !raster.sample(round, along)) {
            return;
        }
        float cover = raster.sampledCover;
        float tone = raster.sampledTone;
        float[] rgb = decal.rgb();
        if (rgb == null) {
            multiply(1 + cover * (tone - 1));
        } else {
            r += cover * (rgb[0] * tone - r);
            g += cover * (rgb[1] * tone - g);
            b += cover * (rgb[2] * tone - b);
        }
        if (decal.label() != 0 && cover > 0.3f) {
            label = decal.label();
        }
    }

    private void multiply(float factor) {
        r *= factor;
        g *= factor;
        b *= factor;
    }
}
