package io.culvert.data.synth;

import java.util.Comparator;

/** Casts one ray a pixel through a {@link Scene}. Holds its buffers, so use one per thread for frames of one size. */
final class Renderer {
    private final int width;
    private final int height;
    private final float[][] planes;
    private final byte[] mask;
    private final Optics optics;

    Renderer(int width, int height) {
        this.width = width;
        this.height = height;
        this.planes = new float[3][width * height];
        this.mask = new byte[width * height];
        this.optics = new Optics(width, height);
    }

    Frame render(Scene scene) {
        Rays rays = new Rays(scene, 1 / (scene.camera.focal() * 0.5f * height));
        for (int row = 0; row < height; row++) {
            for (int column = 0; column < width; column++) {
                rays.cast(column + 0.5f - width * 0.5f, row + 0.5f - height * 0.5f);
                int at = row * width + column;
                planes[0][at] = rays.r;
                planes[1][at] = rays.g;
                planes[2][at] = rays.b;
                mask[at] = (byte) rays.label;
            }
        }
        byte[] rgb = optics.develop(planes, scene);
        return new Frame(width, height, rgb, mask.clone());
    }

    /** The colour of single rays through one scene. */
    private static final class Rays {
        private static final float MIST_DEPTH = 12;

        private final Scene scene;
        private final Scene.Lamp lamp;
        private final float pixelAngle;
        private final float ox;
        private final float oy;
        private final float[] rotation;
        private final Tracer tracer;
        private final WallShader wall;
        private final FloorShader floor;
        private final OpeningShader[] openings;
        private final Shape[] shapes;
        private final float[] falloff = new float[1024];

        private final float beamSharpness;

        private float dx;
        private float dy;
        private float dz;
        private float depth;
        float r;
        float g;
        float b;
        int label;

        Rays(Scene scene, float pixelAngle) {
            this.scene = scene;
            this.pixelAngle = pixelAngle;
            lamp = scene.lamp;
            ox = scene.camera.x();
            oy = scene.camera.y();
            beamSharpness = 1.2f / (lamp.beamWidth() * lamp.beamWidth());
            rotation = scene.camera.rotation();
            tracer = new Tracer(scene);
            wall = new WallShader(scene, pixelAngle);
            floor = new FloorShader(scene, tracer, wall);
            openings = scene.openings.stream()
                    .map(o -> new OpeningShader(o, tracer))
                    .toArray(OpeningShader[]::new);
            shapes = scene.shapes.stream()
                    .sorted(Comparator.comparingDouble(Shape::z).reversed())
                    .toArray(Shape[]::new);
            for (int i = 0; i < falloff.length; i++) {
                falloff[i] = (float) Math.pow(1.3 / (0.3 + i / 64.0), lamp.falloff());
            }
        }

        void cast(float column, float row) {
            float px = column * pixelAngle;
            float py = row * pixelAngle;
            dx = rotation[0] * px + rotation[1] * py + rotation[2];
            dy = rotation[3] * px + rotation[4] * py + rotation[5];
            dz = Math.max(0.05f, rotation[6] * px + rotation[7] * py + rotation[8]);
            tracer.trace(ox, oy, 0, dx, dy, dz);
            if (floor.shade(ox, oy, dx, dy, dz, tracer.t)) {
                r = floor.r;
                g = floor.g;
                b = floor.b;
                label = floor.label;
                depth = floor.t * dz;
            } else {
                wallAndOpenings();
            }
            float spread = (px - lamp.beamX()) * (px - lamp.beamX()) + (py - lamp.beamY()) * (py - lamp.beamY());
            // A Lorentzian: as good a beam as a Gaussian, without the exponential.
            float beam = 1 / (1 + spread * beamSharpness);
            light(depth, beam);
            shapesInFront(beam);
            mist(depth);
        }

        private void wallAndOpenings() {
            depth = tracer.z;
            wall.shade(tracer);
            r = wall.r;
            g = wall.g;
            b = wall.b;
            label = wall.label;
            for (OpeningShader opening : openings) {
                if (opening.shade(tracer, ox, oy, dx, dy, dz)) {
                    float cover = opening.cover;
                    r += cover * (opening.r - r);
                    g += cover * (opening.g - g);
                    b += cover * (opening.b - b);
                    depth = opening.depth;
                    label = opening.label();
                }
            }
        }

        private float lightAt(float z, float beam) {
            float strength = falloff[Math.min(falloff.length - 1, Math.max(0, (int) (z * 64)))];
            return lamp.ambient() + strength * (0.25f + 0.75f * beam);
        }

        private void light(float z, float beam) {
            float strength = lightAt(z, beam);
            r *= strength;
            g *= strength;
            b *= strength;
        }

        private void shapesInFront(float beam) {
            float sink = Math.min(scene.coverY(), 1) + 0.02f;
            for (Shape shape : shapes) {
                if (shape.z() >= depth + 0.05f) {
                    continue;
                }
                float t = shape.z() / dz;
                float y = oy + t * dy;
                Raster raster = shape.raster();
                if (y > sink || !raster.sample(ox + t * dx - shape.x(), y - shape.y())) {
                    continue;
                }
                float cover = raster.sampledCover;
                float strength = lightAt(shape.z(), beam) * raster.sampledTone;
                r += cover * (shape.rgb()[0] * strength - r);
                g += cover * (shape.rgb()[1] * strength - g);
                b += cover * (shape.rgb()[2] * strength - b);
                if (cover > 0.3f) {
                    depth = Math.min(depth, shape.z());
                    label = shape.label() == 0 ? label : shape.label();
                }
            }
        }

        private void mist(float z) {
            float thick = Math.min(z, MIST_DEPTH) * lamp.haze();
            float veil = thick / (1 + thick);
            float glow = veil * lamp.glare();
            r += veil * (glow - r);
            g += veil * (glow - g);
            b += veil * (glow * 0.95f - b);
        }
    }
}
