package io.culvert.tensor;

import java.util.Arrays;

/** The extents of a tensor, outermost first. Feature maps are {@code N H W C}, tokens {@code B T D}, rows {@code N C}. */
public final class Shape {
    private final int[] extents;

    private Shape(int[] extents) {
        this.extents = extents;
    }

    public static Shape of(int... extents) {
        for (int extent : extents) {
            if (extent < 1) {
                throw new IllegalArgumentException("extents must be positive: " + Arrays.toString(extents));
            }
        }
        return new Shape(extents.clone());
    }

    public int rank() {
        return extents.length;
    }

    /** The extent of an axis; negative axes count from the end, so {@code at(-1)} is the innermost. */
    public int at(int axis) {
        return extents[axis < 0 ? extents.length + axis : axis];
    }

    public long count() {
        long count = 1;
        for (int extent : extents) {
            count *= extent;
        }
        return count;
    }

    /** Everything but the innermost axis folded together: the number of rows that a per-channel kernel walks. */
    public int rows() {
        return Math.toIntExact(count() / at(-1));
    }

    public int[] toArray() {
        return extents.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(extents);
    }

    @Override
    public String toString() {
        return Arrays.toString(extents);
    }
}
