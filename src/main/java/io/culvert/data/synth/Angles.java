package io.culvert.data.synth;

/** Angles round the pipe. */
final class Angles {
    static final float PI = (float) Math.PI;
    static final float TURN = (float) (2 * Math.PI);

    private Angles() {}

    /** The same angle in [-pi, pi]; the argument must lie within a turn of that. */
    static float wrap(float angle) {
        return angle > PI ? angle - TURN : angle < -PI ? angle + TURN : angle;
    }

    /** The angle of (x, y) from the invert (+y) towards +x, within 1e-3: finer than a pixel of the wall. */
    static float fromInvert(float x, float y) {
        float ax = Math.abs(x);
        float ay = Math.abs(y);
        float ratio = Math.min(ax, ay) / Math.max(Math.max(ax, ay), 1e-9f);
        float s = ratio * ratio;
        float angle = ((-0.0464964749f * s + 0.15931422f) * s - 0.327622764f) * s * ratio + ratio;
        if (ax > ay) {
            angle = PI / 2 - angle;
        }
        if (y < 0) {
            angle = PI - angle;
        }
        return x < 0 ? -angle : angle;
    }
}
