package io.culvert.verify;

import java.util.List;

/**
 * A tensor that the program computed, in PyTorch's layout.
 *
 * @param shape sizes, outermost first
 */
record Computed(List<Long> shape, double[] values) {
    static Computed of(List<Long> shape, float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return new Computed(shape, doubles);
    }

    static Computed scalar(double value) {
        return new Computed(List.of(), new double[] {value});
    }

    /** Whether the shape is the expected one; a scalar may be stored with no axis or with one. */
    boolean hasShape(List<Long> expected) {
        return shape.equals(expected) || (shape.isEmpty() && expected.equals(List.of(1L)));
    }
}
