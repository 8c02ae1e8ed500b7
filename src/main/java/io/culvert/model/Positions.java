package io.culvert.model;

import io.culvert.tensor.Tensor;

/**
 * A position for each place of a grid of patches, row by row, after that of the class token: {@code [1, 1 + height *
 * width, D]}. What belongs to another grid can be resampled to this one.
 */
public record Positions(Tensor value, int height, int width) {}
