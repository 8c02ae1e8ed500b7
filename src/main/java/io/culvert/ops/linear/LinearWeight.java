package io.culvert.ops.linear;

import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;

/**
 * The matrix of a product {@code y = x W^T} and where its gradient goes.
 *
 * @param value {@code [out, in]} as it is stored, whatever its axes, of the type that is computed in
 * @param gradient as large, in single precision
 * @param accumulates whether the gradient is added to what is there, as a parameter's, or replaces it
 */
public record LinearWeight(Tensor value, Tensor gradient, boolean accumulates) {
    /** A parameter, in the type that is computed in. */
    public static LinearWeight of(Parameter parameter, DType compute) {
        return new LinearWeight(parameter.value(compute), parameter.gradient(), true);
    }

    /** What the gradient's old values are multiplied with. */
    float keep() {
        return accumulates ? 1 : 0;
    }
}
