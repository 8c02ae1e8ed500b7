package io.culvert.data.synth;

/**
 * Finds where a ray meets the pipe: the wall of one of its lengths, or the end face of a length that is out of line
 * with the one before. Results are left in the fields. One per renderer; not thread safe.
 */
final class Tracer {
    private static final float FARTHEST = 60;

    private final int segments;
    private final float[] endZ;
    private final float[] axisX;
    private final float[] axisY;
    private final Deformation deformation;

    /** Ray parameter, place and angle of the latest hit. */
    float t;

    float x;
    float y;
    float z;
    float theta;

    /** Which length of pipe was hit; on an end face, the one that the face belongs to. */
    int segment;

    boolean face;

    /** How far the wall has come in (or, negative, gone out) at the hit. */
    float dent;

    /** How fast the wall narrows with depth at the hit: positive where it faces the camera. */
    float narrowing;

    Tracer(Scene scene) {
        segments = scene.joints.size() + 1;
        endZ = new float[segments];
        axisX = new float[segments];
        axisY = new float[segments];
        for (int k = 0; k < segments - 1; k++) {
            Joint joint = scene.joints.get(k);
            endZ[k] = joint.z();
            axisX[k + 1] = joint.nextX();
            axisY[k + 1] = joint.nextY();
        }
        endZ[segments - 1] = Float.MAX_VALUE;
        deformation = scene.deformation;
    }

    float axisX(int k) {
        return axisX[k];
    }

    float axisY(int k) {
        return axisY[k];
    }

    int segmentAt(float depth) {
        int k = 0;
        while (depth > endZ[k]) {
            k++;
        }
        return k;
    }

    /** Traces from (ox, oy, oz) along (dx, dy, dz); dz must be positive and the origin inside the pipe. */
    void trace(float ox, float oy, float oz, float dx, float dy, float dz) {
        face = false;
        narrowing = 0;
        dent = 0;
        float a = dx * dx + dy * dy + 1e-9f;
        for (int k = segmentAt(oz); ; k++) {
            float cx = ox - axisX[k];
            float cy = oy - axisY[k];
            float b = cx * dx + cy * dy;
            float c = Math.min(-1e-4f, cx * cx + cy * cy - 1);
            t = (-b + (float) Math.sqrt(b * b - a * c)) / a;
            z = oz + t * dz;
            if (z <= endZ[k] || endZ[k] > FARTHEST) {
                segment = k;
                place(cx + t * dx, cy + t * dy);
                break;
            }
            t = (endZ[k] - oz) / dz;
            float fx = ox + t * dx - axisX[k + 1];
            float fy = oy + t * dy - axisY[k + 1];
            if (fx * fx + fy * fy > 1) {
                z = endZ[k];
                segment = k + 1;
                face = true;
                place(fx, fy);
                return;
            }
        }
        if (deformation != null) {
            deform(ox, oy, oz, dx, dy, dz);
        }
    }

    private void place(float localX, float localY) {
        x = localX;
        y = localY;
        theta = Angles.fromInvert(localX, localY);
    }

    /** Newton steps from the round wall to the deformed one. */
    private void deform(float ox, float oy, float oz, float dx, float dy, float dz) {
        if (Math.abs(z - deformation.z()) > deformation.half() * 1.6f) {
            return;
        }
        float cx = ox - axisX[segment];
        float cy = oy - axisY[segment];
        // The slight ovality of a sound pipe needs one step; a real deformation bends far more than the ray's slope.
        int steps = deformation.label() == 0 ? 1 : 3;
        for (int step = 0; step < steps; step++) {
            float rho = (float) Math.sqrt(x * x + y * y);
            float radial = Math.max(0.05f, (x * dx + y * dy) / rho);
            float inward = deformation.inward(x, y);
            float window = deformation.window(z);
            float slope = inward * (window - deformation.window(z + 0.02f)) * 50;
            t -= (rho - 1 + inward * window) / Math.max(0.05f, radial - slope * dz);
            z = oz + t * dz;
            x = cx + t * dx;
            y = cy + t * dy;
            narrowing = -slope;
            dent = inward * window;
        }
        theta = Angles.fromInvert(x, y);
        // The deformed wall is met sooner or later than the round one, maybe on the other side of a joint.
        segment = segmentAt(z);
    }
}
