package io.culvert.data;

import io.culvert.CulvertException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Finds pictures that are in a data set twice, or in two data sets: copies with the same pixels, and pictures that look so
 * alike that one may be the other stored anew. A test on pictures that were trained on says nothing.
 *
 * <p>Alike are two whose hashes ({@link PictureHash}) differ in at most {@link #DISTANCE} of 64 bits. Measured on 2000
 * distinct synthetic pictures of 176 by 144 pixels: of the 1,999,000 pairs none lies at 9 or below, 5 lie at 10, 45 at 12
 * or below. (The usual difference hash of 9 by 8 cells has 29 pairs at 1 or below: all tunnels darken towards the middle.)
 * Of 300 copies of such pictures, found at 6 or below: all stored as JPEG of quality 75 or 50, 299 of quality 30; all that
 * were halved in size; all made brighter by 20 of 255 or darker by a factor of 0.8; 286 made darker by 20, which turns much
 * of a dark picture black. Neighbouring frames of one pipe often are alike, too.
 *
 * <p>Hashes that differ in d bits are equal in one of d + 1 parts, so candidates come from tables by part, not from all
 * pairs: 100,000 pictures at a distance of 6 take half a second on two cores.
 */
public final class NearDuplicates {
    /** The distance up to which pictures count as alike, unless another is asked for. */
    public static final int DISTANCE = 6;

    /** More and the parts of the hash are too short to find candidates by. */
    private static final int FARTHEST = 15;

    private static final Comparator<Found> ORDER = Comparator.comparing(Found::exact).reversed()
            .thenComparingInt(Found::first).thenComparingInt(Found::second);

    private final Fingerprints first;
    private final Fingerprints second;
    private final int distance;
    private final int listed;
    private final Groups groups;

    /**
     * Two pictures.
     *
     * @param distance bits in which their hashes differ
     * @param exact whether their pixels are the same
     */
    public record Pair(String first, String second, int distance, boolean exact) {
        @Override
        public String toString() {
            return first + (exact ? " and " + second + " have the same pixels"
                    : " and " + second + " look alike (" + distance + " of 64 bits differ)");
        }
    }

    /**
     * What was found.
     *
     * @param exact pairs with the same pixels
     * @param near other pairs that look alike
     * @param pictures pictures of the second data set (of the only one, where there is one) that are in a pair
     * @param pairs the first pairs, exact ones before others
     */
    public record Report(long exact, long near, int pictures, List<Pair> pairs) {
        public boolean ok() {
            return exact + near == 0;
        }
    }

    private record Found(int first, int second, int distance, boolean exact) {}

    /** @param groups of the pictures of both; pairs within one count only with the same pixels */
    private NearDuplicates(Fingerprints first, Fingerprints second, int distance, int listed, Groups groups) {
        if (distance < 0 || distance > FARTHEST) {
            throw CulvertException.usage("near duplicates differ in 0 to %d of 64 bits, got %d", FARTHEST, distance);
        }
        this.first = first;
        this.second = second;
        this.distance = distance;
        this.listed = listed;
        this.groups = groups;
    }

    /**
     * Compares all pictures of one data set.
     *
     * @param distance bits of the hash that may differ, 0 to 15; see {@link #DISTANCE}
     * @param listed pairs to list; the others are counted
     * @param groupBy as {@link Groups#of} takes it: neighbouring frames of one pipe may look alike, and are not counted
     *     unless their pixels are the same
     */
    public static Report within(Fingerprints pictures, int distance, int listed, String groupBy) {
        Groups groups = Groups.of(groupBy, pictures.dataset().samples());
        return new NearDuplicates(pictures, pictures, distance, listed, groups).search();
    }

    /** Compares each picture of one data set with each of another, as those to train on with those to test on. */
    public static Report between(Fingerprints first, Fingerprints second, int distance, int listed) {
        return new NearDuplicates(first, second, distance, listed, null).search();
    }

    /** What one part of the hash found. */
    private final class Tally {
        private long exact;
        private long near;
        private final BitSet pictures = new BitSet();
        private final TreeSet<Found> best = new TreeSet<>(ORDER);

        void add(Found found) {
            exact += found.exact ? 1 : 0;
            near += found.exact ? 0 : 1;
            pictures.set(found.second);
            if (first == second) {
                pictures.set(found.first);
            }
            keep(found);
        }

        private void keep(Found found) {
            best.add(found);
            if (best.size() > listed) {
                best.pollLast();
            }
        }

        void merge(Tally other) {
            exact += other.exact;
            near += other.near;
            pictures.or(other.pictures);
            other.best.forEach(this::keep);
        }

        Report report() {
            List<Pair> pairs = new ArrayList<>();
            for (Found found : best) {
                pairs.add(new Pair(
                        first.dataset().path(found.first).toString(), second.dataset().path(found.second).toString(),
                        found.distance, found.exact));
            }
            return new Report(exact, near, pictures.cardinality(), List.copyOf(pairs));
        }
    }

    private Report search() {
        int[] ofFirst = first.known();
        int[] ofSecond = second.known();
        Tally all = new Tally();
        IntStream.rangeClosed(0, distance).parallel().mapToObj(part -> search(part, ofFirst, ofSecond))
                .forEachOrdered(all::merge);
        return all.report();
    }

    private Tally search(int part, int[] ofFirst, int[] ofSecond) {
        long[] left = byPart(part, first, ofFirst);
        long[] right = first == second ? left : byPart(part, second, ofSecond);
        Tally tally = new Tally();
        int from = 0;
        int to = 0;
        for (long entry : left) {
            long key = entry >>> Integer.SIZE;
            while (from < right.length && right[from] >>> Integer.SIZE < key) {
                from++;
            }
            for (to = Math.max(to, from); to < right.length && right[to] >>> Integer.SIZE == key; ) {
                to++;
            }
            for (int i = from; i < to; i++) {
                compare(part, (int) entry, (int) right[i], tally);
            }
        }
        return tally;
    }

    /** Part of the hash over the picture's index, sorted. */
    private long[] byPart(int part, Fingerprints pictures, int[] indices) {
        long[] entries = Arrays.stream(indices).mapToLong(i -> part(pictures.looks(i), part) << Integer.SIZE | i).toArray();
        Arrays.sort(entries);
        return entries;
    }

    /** The hash in {@code distance + 1} parts of nearly the same number of bits, of which a table's key takes 31. */
    private long part(long hash, int part) {
        int from = part * Long.SIZE / (distance + 1);
        int bits = (part + 1) * Long.SIZE / (distance + 1) - from;
        return hash >>> from & (1L << Math.min(bits, Integer.SIZE - 1)) - 1;
    }

    private void compare(int part, int i, int j, Tally tally) {
        if (first == second && i >= j) {
            return;
        }
        long here = first.looks(i);
        long there = second.looks(j);
        int bits = Long.bitCount(here ^ there);
        if (bits > distance) {
            return;
        }
        boolean exact = first.pixels(i) == second.pixels(j);
        if (!exact && groups != null && groups.ids()[i] == groups.ids()[j]) {
            return;
        }
        // A pair counts in the first part that both have in common.
        for (int earlier = 0; earlier < part; earlier++) {
            if (part(here, earlier) == part(there, earlier)) {
                return;
            }
        }
        tally.add(new Found(i, j, bits, exact));
    }
}
