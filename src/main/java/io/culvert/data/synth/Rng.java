package io.culvert.data.synth;

import io.culvert.CounterRng;

/**
 * The random streams of scenes: every picture opens its own by (seed, split, index, purpose), so its pixels do not
 * depend on which thread draws it or on what was drawn before.
 */
final class Rng {
    private final CounterRng source = new CounterRng();

    private Rng() {}

    /** The stream of {@code seed} and {@code keys}; any differing key gives an unrelated stream. */
    static Rng of(long seed, long... keys) {
        Rng rng = new Rng();
        rng.source.key(seed, keys.length, 0, 0);
        for (long key : keys) {
            rng.source.key(rng.source.nextLong(), key, 0, 0);
        }
        return rng;
    }

    /** A stream of its own, so that what one caller draws does not shift what the next one gets. */
    Rng fork() {
        return of(source.nextLong());
    }

    long nextLong() {
        return source.nextLong();
    }

    /** Uniform in [0, 1). */
    double unit() {
        return source.nextDouble();
    }

    /** Uniform in [low, high). */
    float uniform(double low, double high) {
        return (float) source.uniform(low, high);
    }

    /** Uniform in 0 .. bound - 1. */
    int below(int bound) {
        return source.nextInt(bound);
    }

    boolean chance(double probability) {
        return source.chance(probability);
    }

    /** Either -1 or 1. */
    int sign() {
        return chance(0.5) ? -1 : 1;
    }

    /** Standard normal, by Box and Muller. */
    float gaussian() {
        return (float) (Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()));
    }
}
