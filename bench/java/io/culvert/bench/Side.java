package io.culvert.bench;

import java.util.List;

/** One of those that do the same work: Culvert or a peer. */
interface Side {
    /** Measures every case once, in processes of its own. */
    List<Measurement> run();
}
