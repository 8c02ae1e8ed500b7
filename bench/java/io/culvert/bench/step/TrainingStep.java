package io.culvert.bench.step;

/** A network of one side with pixels ready in memory, to be trained a step at a time. */
public interface TrainingStep extends AutoCloseable {
    /** Forward, loss, backward and SGD; returns the loss. */
    float step();

    @Override
    void close();
}
