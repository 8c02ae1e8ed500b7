package io.culvert.data;

import io.culvert.CounterRng;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Parts rows in two without parting a group. Groups come in a random order, large ones first, and each goes where it keeps
 * the marks of the rows seen so far nearest to the asked fraction (least sum of squared differences, as each would be alone
 * in the first part or not): what whole groups allow of a stratified split.
 */
public final class GroupSplit {
    private GroupSplit() {}

    /**
     * The first part.
     *
     * @param groups each row's group, counted from 0
     * @param marks each row's properties to balance, one bit a property; every row has one at least
     * @param count rows wanted; the first part has at most so many, and fewer by a part of a group
     * @return rows, ascending; none if no group fits
     */
    public static int[] take(int[] groups, int[] marks, int count, long seed) {
        int groupCount = 1 + Arrays.stream(groups).max().orElse(-1);
        int[][] members = members(groups, groupCount);
        double fraction = (double) count / groups.length;
        double[] seen = new double[Integer.SIZE];
        double[] taken = new double[Integer.SIZE];
        boolean[] first = new boolean[groupCount];
        int size = 0;
        for (int group : order(members, seed)) {
            int[] here = new int[Integer.SIZE];
            for (int row : members[group]) {
                for (int left = marks[row]; left != 0; left &= left - 1) {
                    here[Integer.numberOfTrailingZeros(left)]++;
                }
            }
            double change = 0;
            for (int mark = 0; mark < here.length; mark++) {
                seen[mark] += here[mark];
                // (taken + here - fraction seen)^2 - (taken - fraction seen)^2
                change += here[mark] * (2 * (taken[mark] - fraction * seen[mark]) + here[mark]);
            }
            if (change < 0 && size + members[group].length <= count) {
                first[group] = true;
                size += members[group].length;
                for (int mark = 0; mark < here.length; mark++) {
                    taken[mark] += here[mark];
                }
            }
        }
        return IntStream.range(0, groups.length).filter(row -> first[groups[row]]).toArray();
    }

    private static int[][] members(int[] groups, int groupCount) {
        int[] sizes = new int[groupCount];
        for (int group : groups) {
            sizes[group]++;
        }
        int[][] members = new int[groupCount][];
        Arrays.setAll(members, group -> new int[sizes[group]]);
        for (int row = groups.length - 1; row >= 0; row--) {
            members[groups[row]][--sizes[groups[row]]] = row;
        }
        return members;
    }

    private static int[] order(int[][] members, long seed) {
        int[] order = IntStream.range(0, members.length).toArray();
        new CounterRng().key(seed, 0x6209, members.length, 0).shuffle(order, order.length);
        return Arrays.stream(order).boxed().sorted(Comparator.comparingInt(group -> -members[group].length))
                .mapToInt(Integer::intValue).toArray();
    }
}
