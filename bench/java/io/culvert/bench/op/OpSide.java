package io.culvert.bench.op;

/** An operation as one side does it. */
public interface OpSide extends AutoCloseable {
    /** Forward, as in a training step: what backward needs is kept. */
    void forward();

    /** Forward, and backward to the gradients of all operands that have one. */
    void train();

    /** The 2-norm of the last result; of a loss the loss itself. */
    double outputNorm();

    /** The 2-norm of the first operand's gradient, after the first call of {@link #train}. */
    double gradientNorm();

    @Override
    void close();

    /** The 2-norm, in double precision. */
    static double norm(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }
}
