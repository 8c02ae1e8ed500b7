package io.culvert.emulator;

import java.util.EnumMap;
import java.util.Map;

/** Faults on order: the n-th call of a kind fails, so that a test can see what the program makes of it. */
final class Faults {
    /** What can be made to fail. */
    enum Kind {
        ALLOCATION,
        LAUNCH
    }

    private final Map<Kind, Integer> callsLeft = new EnumMap<>(Kind.class);

    /** Lets the {@code n}-th call of this kind from now on fail, the next one being the first. */
    void failAt(Kind kind, int n) {
        callsLeft.put(kind, n);
    }

    void clear() {
        callsLeft.clear();
    }

    void count(Kind kind, int status) {
        Integer left = callsLeft.computeIfPresent(kind, (key, n) -> n - 1);
        if (left != null && left == 0) {
            callsLeft.remove(kind);
            throw new SimulatedError(status, "a fault that was asked for");
        }
    }
}
