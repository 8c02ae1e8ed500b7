package io.culvert.method;

/**
 * The share of itself that a teacher keeps: half a cosine from {@code start} to {@code end} over {@code totalSteps} (Grill
 * et al. 2020, section 3.2), as solo-learn counts: the update after step t uses the value of t.
 */
public record MomentumCosine(double start, double end, int totalSteps) {
    /** The value for the update after a step, counted from 0. */
    public double at(int step) {
        return end - (end - start) * (Math.cos(Math.PI * step / totalSteps) + 1) / 2;
    }
}
