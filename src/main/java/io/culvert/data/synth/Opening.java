package io.culvert.data.synth;

/**
 * Where a side pipe enters: a bore of {@code radius} through the wall at ({@code theta}, {@code z}).
 *
 * @param label the mask value of its code
 * @param protrusion how far the side pipe sticks into the bore
 * @param jaggedness how ragged the hole's edge is: 0 for a clean cut
 * @param rimWidth width of the collar round the hole, as a share of the radius
 * @param rimSlope how the collar is shaded: positive for a funnel, negative for a raised ring
 * @param slant how far the side pipe leans along the main one, per unit of depth
 */
record Opening(
        int label,
        float theta,
        float z,
        float radius,
        float protrusion,
        float jaggedness,
        float rimWidth,
        float rimSlope,
        float slant,
        float[] rimRgb,
        float[] boreRgb,
        int seed) {}
