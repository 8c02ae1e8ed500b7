package io.culvert.model;

import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.tensor.Parameter;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Initial values. Each parameter draws from its own generator, seeded by the run's seed and the parameter's name, so
 * the values depend neither on the order of declaration nor on what else the network holds.
 */
public final class Init {
    private final long seed;

    public Init(long seed) {
        this.seed = seed;
    }

    private SplittableRandom random(Parameter parameter) {
        long mixed = seed;
        for (char c : parameter.name().toCharArray()) {
            mixed = (mixed ^ c) * 0x9E3779B97F4A7C15L;
            mixed ^= mixed >>> 29;
        }
        return new SplittableRandom(mixed);
    }

    public void constant(Parameter parameter, float value) {
        float[] values = new float[Math.toIntExact(parameter.value().shape().count())];
        Arrays.fill(values, value);
        parameter.value().set(values);
    }

    /** This gain, no shift, statistics of mean 0 and variance 1. */
    public void batchNorm(BatchNormState norm, float gain) {
        constant(norm.weight(), gain);
        constant(norm.bias(), 0f);
        float[] values = new float[norm.runningVar().shape().at(0)];
        norm.runningMean().set(values);
        Arrays.fill(values, 1f);
        norm.runningVar().set(values);
    }

    /** Normal with standard deviation {@code sqrt(2 / fanOut)} (He et al. 2015), as torchvision's and timm's ResNets. */
    public void kaimingNormalFanOut(Parameter weight) {
        int[] shape = weight.torchShape();
        normal(weight, Math.sqrt(2.0 / ((double) shape[0] * shape[2] * shape[3])));
    }

    /** Normal about 0. */
    public void normal(Parameter parameter, double std) {
        SplittableRandom random = random(parameter);
        float[] values = new float[Math.toIntExact(parameter.value().shape().count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (std * random.nextGaussian());
        }
        parameter.value().set(values);
    }

    /** Uniform within {@code 1 / sqrt(fanIn)}: what PyTorch gives weight and bias of a linear layer or a convolution. */
    public void torchLinear(Parameter weight, Parameter bias) {
        double bound = 1 / Math.sqrt((double) weight.value().shape().count() / weight.torchShape()[0]);
        uniform(weight, bound);
        if (bias != null) {
            uniform(bias, bound);
        }
    }

    /** Uniform within {@code sqrt(6 / (fanIn + fanOut))} (Glorot and Bengio 2010), a convolution's weight taken as a matrix. */
    public void xavierUniform(Parameter weight) {
        int fanOut = weight.torchShape()[0];
        double fanIn = (double) weight.value().shape().count() / fanOut;
        uniform(weight, Math.sqrt(6 / (fanIn + fanOut)));
    }

    private void uniform(Parameter parameter, double bound) {
        SplittableRandom random = random(parameter);
        float[] values = new float[Math.toIntExact(parameter.value().shape().count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-bound, bound);
        }
        parameter.value().set(values);
    }
}
