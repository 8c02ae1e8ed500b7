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
