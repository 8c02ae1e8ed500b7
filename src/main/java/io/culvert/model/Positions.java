package io.culvert.model;

import io.culvert.tensor.Parameter;

/**
 * A learned position for each place of a grid of patches, row by row, after that of the class token: {@code [1, 1 + height *
 * width, D]}. One trained on another grid can be resampled to this one.
 */
public record Positions(Parameter parameter, int height, int width) {}
