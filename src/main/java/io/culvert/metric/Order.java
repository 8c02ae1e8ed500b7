package io.culvert.metric;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Index orders and ranks of an array of doubles without NaN. */
final class Order {
    private Order() {}

    /** Indices from the lowest value to the highest; equal values keep their order. */
    static int[] ascending(double[] values) {
        return IntStream.range(0, values.length).boxed().sorted(Comparator.comparingDouble(i -> values[i]))
                .mapToInt(i -> i).toArray();
    }

    /** Indices from the highest value to the lowest. */
    static int[] descending(double[] values) {
        int[] order = ascending(values);
        for (int i = 0, j = order.length - 1; i < j; i++, j--) {
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        return order;
    }

    /** Ranks from 1; tied values share the mean of the ranks they take up. */
    static double[] averageRanks(double[] values) {
        int[] order = ascending(values);
        double[] ranks = new double[values.length];
        int start = 0;
        while (start < order.length) {
            int end = start + 1;
            while (end < order.length && values[order[end]] == values[order[start]]) {
                end++;
            }
            double rank = (start + 1 + end) / 2.0;
            int from = start;
            Arrays.stream(order, from, end).forEach(i -> ranks[i] = rank);
            start = end;
        }
        return ranks;
    }
}
