package io.culvert.ops.masking;

import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;

/**
 * Some of the places of each image's patches, which count row by row.
 *
 * @param chosen {@code [N, K]} integers, each place once
 * @param slots {@code [N, L]} integers, the inverse: which of the K a place is, -1 for those that are not chosen
 */
public record Places(Tensor chosen, Tensor slots) {
    /** Of so many images, or it is an error. */
    void require(String name, int images) {
        require(name, chosen, images);
        require(name, slots, images);
    }

    /** Whether these are integers for so many images. */
    static void require(String name, Tensor tensor, int images) {
        if (tensor.dtype() != DType.I32 || tensor.shape().rank() != 2 || tensor.shape().at(0) != images) {
            throw new IllegalArgumentException(name + ": needs integers for " + images + " images, got " + tensor);
        }
    }
}
