package io.culvert.optim;

/**
 * A learning rate that rises linearly from {@code warmupStart} to {@code base} over {@code warmupSteps} (reached one
 * step early, at {@code warmupSteps - 1}, as in lightning-bolts) and then follows half a cosine down to {@code min} at
 * {@code totalSteps}.
 */
public record WarmupCosine(double base, double warmupStart, double min, int warmupSteps, int totalSteps) {
    /** The rate of a step, counted from 0. */
    public double at(int step) {
        if (step < warmupSteps) {
            return warmupSteps == 1 ? base : warmupStart + step * (base - warmupStart) / (warmupSteps - 1);
        }
        double progress = (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
        return min + (base - min) * (1 + Math.cos(Math.PI * progress)) / 2;
    }
}
