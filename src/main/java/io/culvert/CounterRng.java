package io.culvert;

/**
 * Random numbers that depend on a key only, never on what was drawn before it elsewhere: SplitMix64 (Steele, Lea and
 * Flood, OOPSLA 2014) started from a mix of the key's words. Re-keying allocates nothing, so one instance serves a
 * thread.
 */
public final class CounterRng {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private long state;

    /** Starts the sequence of this key. */
    public CounterRng key(long seed, long a, long b, long c) {
        state = mix(seed + GOLDEN);
        absorb(a);
        absorb(b);
        absorb(c);
        return this;
    }

    private void absorb(long word) {
        // The step makes the same word count differently at each place of the key.
        state = mix(mix(state + GOLDEN) ^ word);
    }

    private static long mix(long x) {
        long z = x;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    public long nextLong() {
        state += GOLDEN;
        return mix(state);
    }

    /** Uniform in [0, 1), 53 bits. */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }

    /** Uniform in [low, high). */
    public double uniform(double low, double high) {
        return low + (high - low) * nextDouble();
    }

    /** Uniform in 0..bound-1. */
    public int nextInt(int bound) {
        // The high half of a 64 x 32 bit product: its bias is below 2^-32 for any int bound.
        return (int) Math.unsignedMultiplyHigh(nextLong(), bound);
    }

    /** True with this probability. */
    public boolean chance(double probability) {
        return nextDouble() < probability;
    }

    /** Puts the first {@code length} values into a random order (Fisher and Yates). */
    public void shuffle(int[] values, int length) {
        for (int i = length - 1; i > 0; i--) {
            int j = nextInt(i + 1);
            int swap = values[i];
            values[i] = values[j];
            values[j] = swap;
        }
    }
}
