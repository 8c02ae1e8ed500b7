package io.culvert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CounterRngTest {
    @Test
    void theKeyAloneDecides() {
        CounterRng rng = new CounterRng();
        long first = rng.key(7, 1, 2, 3).nextLong();
        rng.nextLong();
        assertThat(rng.key(7, 1, 2, 3).nextLong()).isEqualTo(first);
    }

    @Test
    void neighbouringKeysShareNothing() {
        Set<Long> seen = new HashSet<>();
        CounterRng rng = new CounterRng();
        for (int seed = 0; seed < 4; seed++) {
            for (int epoch = 0; epoch < 4; epoch++) {
                for (int index = 0; index < 16; index++) {
                    for (int view = 0; view < 2; view++) {
                        rng.key(seed, epoch, index, view);
                        for (int draw = 0; draw < 8; draw++) {
                            seen.add(rng.nextLong());
                        }
                    }
                }
            }
        }
        assertThat(seen).hasSize(4 * 4 * 16 * 2 * 8);
    }

    @Test
    void drawsAreUniform() {
        CounterRng rng = new CounterRng();
        int draws = 100_000;
        int[] bins = new int[10];
        double sum = 0;
        for (int index = 0; index < draws; index++) {
            double x = rng.key(1, 0, index, 0).uniform(-2, 2);
            sum += x;
            bins[rng.nextInt(10)]++;
        }
        assertThat(sum / draws).isCloseTo(0, within(4 * 2 / Math.sqrt(3.0 * draws)));
        for (int count : bins) {
            assertThat((double) count).isCloseTo(draws / 10.0, within(4 * Math.sqrt(draws * 0.09)));
        }
    }

    @Test
    void aShuffleIsAPermutation() {
        int[] values = IntStream.range(0, 100).toArray();
        new CounterRng().key(3, 0, 0, 0).shuffle(values, 100);
        assertThat(values).isNotEqualTo(IntStream.range(0, 100).toArray());
        assertThat(IntStream.of(values).sorted().toArray()).isEqualTo(IntStream.range(0, 100).toArray());
    }
}
