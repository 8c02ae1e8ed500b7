package io.culvert.ops.batchnorm;

import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;

/** The gain, offset and running statistics of one batch normalisation, under PyTorch's names. */
public record BatchNormState(Parameter weight, Parameter bias, Tensor runningMean, Tensor runningVar) {
    public static BatchNormState declare(ParameterStore store, String prefix, int channels) {
        return new BatchNormState(
                store.parameter(prefix + ".weight", channels),
                store.parameter(prefix + ".bias", channels),
                store.buffer(prefix + ".running_mean", channels),
                store.buffer(prefix + ".running_var", channels));
    }
}
