package io.culvert.bench;

import java.nio.file.Path;

/**
 * How to measure.
 *
 * @param threads threads that every side may use for one operation
 * @param quick one case a benchmark and few samples: does it run, and roughly how fast
 * @param home the source tree, where the PyTorch scripts are
 * @param python the Python that has PyTorch
 * @param compiles whether {@code torch.compile} works there
 * @param only the one case to measure; empty: all
 */
record Settings(int threads, boolean quick, Path home, String python, boolean compiles, String only) {
    /** Samples of an operation in one round. */
    int samples() {
        return quick ? 3 : 5;
    }

    /** Seconds over which an operation is repeated for one sample. */
    double secondsPerSample() {
        return quick ? 0.3 : 1.0;
    }

    /** Turns of each side in a round of whole steps. */
    int steps() {
        return quick ? 3 : 8;
    }

    /** Steps that are not measured. */
    int warmupSteps() {
        return 2;
    }

    /** Steps that are not measured in a JVM, whose compiler is busy for about ten and now and then until the twentieth. */
    int warmupStepsOfJvm() {
        return quick ? 5 : 20;
    }

    /**
     * Iterations of {@link #secondsPerSample} that are not measured in a JVM: kernels on the Vector API allocate and crawl until
     * the compiler has got to them, which takes seconds where others want the processors too.
     */
    int warmupIterationsOfJvm() {
        return quick ? 5 : 8;
    }
}
