package io.culvert.verify;

import io.culvert.device.RunArena;
import java.util.Map;

/** Computes what the cases of one kind ask for. */
sealed interface CaseRunner permits
        OpRunner, LossRunner, ModelRunner, OptimizerRunner, TransformRunner, MetricRunner, TrajectoryRunner {
    /**
     * Runs one case.
     *
     * @param arena the device's memory for this case
     * @return at least every expected tensor that the program can compute, under its full name
     * @throws io.culvert.CulvertException if the case is malformed or asks for something unknown
     */
    Map<String, Computed> run(VectorCase vector, RunArena arena);

    /** How far off a case of this kind may be when nobody says otherwise. */
    default double defaultTolerance() {
        return 1e-4;
    }

    /** The runner for the case's kind. */
    static CaseRunner of(VectorCase vector) {
        return switch (vector.kind()) {
            case "op" -> new OpRunner();
            case "loss" -> new LossRunner();
            case "model" -> new ModelRunner();
            case "optimizer" -> new OptimizerRunner();
            case "transform" -> new TransformRunner();
            case "metric" -> new MetricRunner();
            case "trajectory" -> new TrajectoryRunner();
            default -> throw new AssertionError(vector.kind()); // VectorCase knows the kinds
        };
    }
}
