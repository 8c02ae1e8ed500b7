package io.culvert.data.synth;

import io.culvert.data.DefectCode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Everything that determines a frame. Lengths are in pipe radii, depths run along the axis from the camera, x to the
 * right, y down. {@link SceneSampler} draws all of it but the defects; {@link DefectSampler} adds those.
 */
final class Scene {
    /** Where the camera sits in the cross section, its rotation matrix by rows, its focal length. */
    record Camera(float x, float y, float[] rotation, float focal) {}

    /** The wall: material, its colour here, how uneven and dirty it is, and the keys of its textures. */
    record Wall(Material material, float[] rgb, float[] dirtRgb, float grain, float dirt, float tideY, int seed) {}

    /** The lamp round the lens: fall-off exponent, direction and width of its beam, ambient light and mist. */
    record Lamp(float falloff, float beamX, float beamY, float beamWidth, float ambient, float haze, float glare) {}

    /** The water's surface lies at height y (beyond 1: none). */
    record Water(float y, int percent, float ripple, float[] rgb, float foam) {
        boolean present() {
            return y < 1;
        }
    }

    /** One line of burnt-in text, or the box that hides it. Position in [0, 1] of the frame. */
    record Caption(String text, float x, float y, int scale, float lightness, boolean redacted) {}

    /**
     * What the camera's electronics do. Auto exposure and white balance bring the channels to {@code mean} and
     * their average to {@code deviation}, which are drawn without knowledge of the defects. {@code colour} scales how far
     * a pixel is from grey: 0 for a black and white camera.
     */
    record Sensor(
            float blur,
            int motionX,
            int motionY,
            float noise,
            int interlace,
            float vignette,
            float[] mean,
            float deviation,
            float colour,
            float jpegQuality,
            int seed) {}

    /** How far the camera has come from where the wall's texture begins. */
    float travel;

    Camera camera;
    Wall wall;
    Lamp lamp;
    Water water;
    Sensor sensor;
    Sediment sediment;
    Deformation deformation;
    final List<Joint> joints = new ArrayList<>();
    final List<Decal> decals = new ArrayList<>();
    final List<Shape> shapes = new ArrayList<>();
    final List<Opening> openings = new ArrayList<>();
    final List<Caption> captions = new ArrayList<>();
    final EnumSet<DefectCode> codes = EnumSet.noneOf(DefectCode.class);

    Set<DefectCode> codes() {
        return codes;
    }

    /**
     * Moves everything in the pipe away from the camera, or, by a negative distance, nearer to it.
     *
     * @param distance in pipe radii
     */
    void shift(float distance) {
        joints.replaceAll(j -> new Joint(j.label(), j.z() + distance, j.gap(), j.contrast(), j.nextX(), j.nextY()));
        decals.replaceAll(d -> new Decal(d.label(), d.theta(), d.z() + distance, d.raster(), d.rgb()));
        shapes.replaceAll(s -> new Shape(s.label(), s.z() + distance, s.x(), s.y(), s.raster(), s.rgb()));
        openings.replaceAll(o -> new Opening(
                o.label(), o.theta(), o.z() + distance, o.radius(), o.protrusion(), o.jaggedness(), o.rimWidth(),
                o.rimSlope(), o.slant(), o.rimRgb(), o.boreRgb(), o.seed()));
        deformation = new Deformation(
                deformation.label(), deformation.oval(), deformation.theta(), deformation.spread(), deformation.amount(),
                deformation.z() + distance, deformation.half(), deformation.axis());
        if (sediment != null) {
            sediment = new Sediment(
                    sediment.label(), sediment.level(), sediment.from() + distance, sediment.to() + distance,
                    sediment.roughness(), sediment.grain(), sediment.rgb(), sediment.seed());
        }
    }

    /** Height of whatever covers the invert: water, a bed of sediment, or nothing (1). */
    float coverY() {
        float bed = sediment == null ? 1 : Math.min(1, sediment.level());
        return Math.min(bed, Math.min(1, water.y()));
    }

    /** An angle on the wall that neither water nor sediment hides, {@code margin} radians clear of it. */
    float dryTheta(Rng rng, float margin) {
        float shore = (float) Math.acos(Math.max(-1, Math.min(1, coverY())));
        float low = Math.min(shore + margin, 2.6f);
        return rng.sign() * rng.uniform(low, Math.PI);
    }
}
