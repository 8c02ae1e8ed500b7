package io.culvert.data;

import io.culvert.CounterRng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/**
 * The samples of a data set in a random order that depends on the seed only, and of which every beginning holds each
 * combination of codes in proportion, give or take one: member i of a combination with n samples stands at place
 * {@code (i + u) / n}, its combination's u drawn from [0, 1) so that rare ones are neither sure to be left out nor to be
 * taken. Whoever takes fewer samples therefore takes some of those that whoever takes more does.
 */
final class Strata {
    /** A place of 31 bits over an index of 32: what is left ties by index. */
    private final long[] order;

    private Strata(long[] order) {
        this.order = order;
    }

    /** Orders the samples whose index passes. */
    static Strata of(Dataset dataset, IntPredicate wanted, long seed) {
        Map<Integer, List<Integer>> byCodes = new TreeMap<>();
        int size = 0;
        for (int i = 0; i < dataset.size(); i++) {
            if (wanted.test(i)) {
                byCodes.computeIfAbsent(dataset.get(i).codes(), codes -> new ArrayList<>()).add(i);
                size++;
            }
        }
        long[] order = new long[size];
        int at = 0;
        for (Map.Entry<Integer, List<Integer>> entry : byCodes.entrySet()) {
            int[] group = entry.getValue().stream().mapToInt(Integer::intValue).toArray();
            // The length belongs to the key: a draw from what was drawn before is then a draw of its own.
            CounterRng rng = new CounterRng().key(seed, 0x57A7A, entry.getKey(), group.length);
            rng.shuffle(group, group.length);
            double start = rng.nextDouble();
            for (int i = 0; i < group.length; i++) {
                order[at++] = (long) ((i + start) / group.length * 0x1p31) << 32 | group[i];
            }
        }
        Arrays.sort(order);
        return new Strata(order);
    }

    int size() {
        return order.length;
    }

    /** The first {@code count} samples of the order: their indices, ascending. */
    int[] take(int count) {
        return Arrays.stream(order, 0, count).mapToInt(place -> (int) place).sorted().toArray();
    }
}
