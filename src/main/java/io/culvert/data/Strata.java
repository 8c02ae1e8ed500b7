package io.culvert.data;

import io.culvert.CounterRng;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/**
 * The samples of a data set grouped by their combination of codes, each group in a random order that depends on the
 * seed only.
 */
final class Strata {
    private final List<int[]> groups;
    private final int size;

    private Strata(List<int[]> groups, int size) {
        this.groups = groups;
        this.size = size;
    }

    /** Groups the samples whose index passes. */
    static Strata of(Dataset dataset, IntPredicate wanted, long seed) {
        Map<Integer, List<Integer>> byCodes = new TreeMap<>();
        for (int i = 0; i < dataset.size(); i++) {
            if (wanted.test(i)) {
                byCodes.computeIfAbsent(dataset.get(i).codes(), codes -> new ArrayList<>()).add(i);
            }
        }
        List<int[]> groups = new ArrayList<>();
        int size = 0;
        for (Map.Entry<Integer, List<Integer>> entry : byCodes.entrySet()) {
            int[] group = entry.getValue().stream().mapToInt(Integer::intValue).toArray();
            new CounterRng().key(seed, 0x57A7A, entry.getKey(), 0).shuffle(group, group.length);
            groups.add(group);
            size += group.length;
        }
        return new Strata(groups, size);
    }

    int size() {
        return size;
    }

    /**
     * Takes exactly {@code count} samples, from each group its share rounded down and one more where the remainder is
     * largest. Returns their indices, ascending.
     */
    int[] take(int count) {
        int[] quota = new int[groups.size()];
        double[] remainder = new double[groups.size()];
        int left = count;
        List<Integer> order = new ArrayList<>();
        for (int g = 0; g < quota.length; g++) {
            double share = (double) count * groups.get(g).length / size;
            quota[g] = (int) share;
            remainder[g] = share - quota[g];
            left -= quota[g];
            order.add(g);
        }
        order.sort(Comparator.comparingDouble((Integer g) -> -remainder[g]));
        for (int i = 0; i < left; i++) {
            quota[order.get(i)]++;
        }
        List<Integer> taken = new ArrayList<>(count);
        for (int g = 0; g < quota.length; g++) {
            for (int i = 0; i < quota[g]; i++) {
                taken.add(groups.get(g)[i]);
            }
        }
        return taken.stream().mapToInt(Integer::intValue).sorted().toArray();
    }
}
