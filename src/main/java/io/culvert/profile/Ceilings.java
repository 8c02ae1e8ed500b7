package io.culvert.profile;

/**
 * What the machine gives at best, measured before training.
 *
 * @param device in words
 * @param flops a second of a large product of matrices; 0 where nothing was measured
 * @param bytes a second, read and written, of a copy that fits in no cache; 0 where nothing was measured
 */
public record Ceilings(String device, double flops, double bytes) {
    public boolean measured() {
        return flops > 0 && bytes > 0;
    }

    /** Seconds that so much work takes at least. */
    double seconds(double work, double moved) {
        return Math.max(work / flops, moved / bytes);
    }
}
