package io.culvert.method;

/**
 * The temperature of DINO's teacher: from epoch to epoch in {@code epochs} equal steps of which the first has {@code start}
 * and the last {@code end} (numpy's {@code linspace} with both ends), then {@code end}.
 */
public record TeacherTemperature(double start, double end, int epochs, int stepsPerEpoch) {
    /** The value in a step, counted from 0. */
    public double at(int step) {
        int epoch = step / stepsPerEpoch;
        if (epoch >= epochs) {
            return end;
        }
        return epochs == 1 ? start : start + epoch * (end - start) / (epochs - 1);
    }
}
