package io.culvert.data.synth;

/**
 * A pipe that lost its round cross section: radius 1 - inward(theta) * window(z).
 *
 * @param label the defect's mask value, 0 for the slight ovality that any pipe has
 * @param oval true: squeezed along {@code theta} and spread across; false: one dent of angular size {@code spread}
 * @param half half the length over which the deformation swells and fades
 * @param axis cosine and sine of twice theta
 */
record Deformation(
        int label, boolean oval, float theta, float spread, float amount, float z, float half, float[] axis) {
    static Deformation of(int label, boolean oval, float theta, float spread, float amount, float z, float half) {
        float[] axis = {(float) Math.cos(2 * theta), (float) Math.sin(2 * theta)};
        return new Deformation(label, oval, theta, spread, amount, z, half, axis);
    }

    /** How strong the deformation is at the given depth, from 0 to 1. */
    float window(float depth) {
        float along = (depth - z) / half;
        float window = Math.max(0, 1 - along * along);
        return window * window;
    }

    /** How far the wall comes in where the deformation is strongest, in the direction (x, y) of the cross section. */
    float inward(float x, float y) {
        if (oval) {
            // cos 2(a - theta), where cos a = y / rho and sin a = x / rho.
            float square = x * x + y * y + 1e-9f;
            return amount * ((y * y - x * x) * axis[0] + 2 * x * y * axis[1]) / square;
        }
        float delta = Angles.wrap(Angles.fromInvert(x, y) - theta);
        float s = delta / spread;
        return s * s > 1 ? 0 : amount * (1 - s * s) * (1 - s * s);
    }
}
