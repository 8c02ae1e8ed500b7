package io.culvert.profile;

import java.nio.file.Path;
import java.util.List;

/**
 * The training that is profiled.
 *
 * @param folder of the run
 * @param ops every operation once
 * @param forward the operation of each place of the forward pass, an index into {@code ops}
 * @param backward likewise of the backward pass
 * @param timer of a device that computes beside the host; null where the host computes
 */
public record Subject(
        Path folder, Ceilings ceilings, List<OpFacts> ops, int[] forward, int[] backward, MemoryFacts memory, DeviceTimer timer) {
    /** What the device counts beside time; empty where it counts nothing. */
    List<String> counted() {
        return timer == null ? List.of() : timer.counted();
    }

    /** What a lap was spent on, for the clock's numbers of laps. */
    Lap lap(int number) {
        int phases = Phase.values().length;
        if (number < phases) {
            return new Lap(Phase.values()[number], -1, false, -1);
        }
        int place = number - phases;
        return place < forward.length
                ? new Lap(null, forward[place], true, place)
                : new Lap(null, backward[place - forward.length], false, place);
    }

    /**
     * A phase, or half of an operation.
     *
     * @param phase null: an operation
     * @param place among all operations of a step, backward ones after forward ones
     */
    record Lap(Phase phase, int op, boolean isForward, int place) {}
}
