package io.culvert.study;

import io.culvert.data.Dataset;
import io.culvert.data.ImbalanceSampler;

/** The images of a validation set that make a test set with a given share of defects. */
final class TestSets {
    private TestSets() {}

    /** Indices into the pool, rising; the same pool, share and seed give the same ones. */
    static int[] draw(Dataset pool, double share, long seed) {
        Dataset drawn = ImbalanceSampler.draw(pool, share, seed);
        int[] indices = new int[drawn.size()];
        int at = 0;
        for (int i = 0; i < indices.length; i++) {
            while (!pool.get(at).equals(drawn.get(i))) {
                at++;
            }
            indices[i] = at++;
        }
        return indices;
    }
}
