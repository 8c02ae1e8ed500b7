package io.culvert.ops;

import io.culvert.tensor.Tensor;

/** An operation that ends a tape: its backward starts from the derivative 1 of its scalar. */
public interface Loss {
    /** The scalar, one element. */
    Tensor loss();
}
