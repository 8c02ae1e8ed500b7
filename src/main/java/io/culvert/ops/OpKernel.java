package io.culvert.ops;

/**
 * One device's implementation of one recorded operation, bound to its tensors. It has both halves or it does not
 * compile: an op without a backward would freeze training while the loss still falls.
 */
public interface OpKernel {
    void forward();

    void backward();

    /** Computes {@link Op#renewable} again, to the bit as forward did and nothing else. */
    default void again() {
        throw new IllegalStateException("keeps what it computes");
    }
}
