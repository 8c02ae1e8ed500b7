package io.culvert.profile;

/**
 * What the machine gives at best, measured before training.
 *
 * @param device in words
 * @param flops a second of a large product of matrices; 0 where nothing was measured
 * @param bytes a second, read and written, of a copy that fits in no cache; 0 where nothing was measured
 * @param launch seconds that the host takes to queue a kernel; 0 where the host computes, or that was not measured
 * @param how it was measured, or why not, in words
 */
public record Ceilings(String device, double flops, double bytes, double launch, String how) {
    /** Of a device that was not measured. */
    public static Ceilings unmeasured(String device, String why) {
        return new Ceilings(device, 0, 0, 0, why);
    }

    public boolean measured() {
        return flops > 0 && bytes > 0;
    }

    /** Seconds that so much work takes at least. */
    double seconds(double work, double moved) {
        return Math.max(work / flops, moved / bytes);
    }
}
