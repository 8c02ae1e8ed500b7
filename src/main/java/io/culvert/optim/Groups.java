package io.culvert.optim;

import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.util.Arrays;
import java.util.List;

/**
 * Which parameters an optimiser treats apart: vectors (one-dimensional, as biases and gains of normalisations), and those of
 * a last layer that starts later. Four groups come of it, each with rates of its own.
 *
 * @param decayVectors whether weight decay applies to vectors; LARS never lets it
 * @param vectorRate factor of the learning rate of vectors
 * @param last parameters that stay as they are in the first {@code frozen} updates: no decay, no moments, and AdamW counts
 *     their updates from the first one that moves them, as PyTorch where a gradient is None
 * @param frozen updates without {@code last}
 */
public record Groups(boolean decayVectors, double vectorRate, List<Parameter> last, int frozen) {
    /** One rule for all. */
    public static final Groups ALIKE = new Groups(true, 1, List.of(), 0);

    static final int COUNT = 4;

    /** Tensors of a slab begin at multiples of so many floats. */
    static final int CHUNK = 16;

    private static final int VECTOR = 1;
    private static final int LAST = 2;

    public Groups {
        last = List.copyOf(last);
    }

    Groups sparingVectors() {
        return new Groups(false, vectorRate, last, frozen);
    }

    static boolean vectors(int group) {
        return (group & VECTOR) != 0;
    }

    int of(Parameter parameter) {
        return (parameter.isVector() ? VECTOR : 0) + (last.contains(parameter) ? LAST : 0);
    }

    /** How often a group has moved when {@code done} updates are made; negative while it is not to move. */
    int moved(int group, int done) {
        return (group & LAST) == 0 ? done : done - frozen;
    }

    /** The group of each chunk of the slab, padding included. */
    byte[] chunks(ParameterStore store) {
        byte[] groups = new byte[Math.toIntExact(store.values().bytes() / Float.BYTES / CHUNK)];
        for (Parameter parameter : store.parameters()) {
            int first = first(store, parameter) / CHUNK;
            int count = Math.ceilDiv(Math.toIntExact(parameter.value().shape().count()), CHUNK);
            Arrays.fill(groups, first, first + count, (byte) of(parameter));
        }
        return groups;
    }

    /** Where a parameter begins in its slab, in floats. */
    static int first(ParameterStore store, Parameter parameter) {
        return Math.toIntExact((parameter.value().address() - store.values().address()) / Float.BYTES);
    }
}
