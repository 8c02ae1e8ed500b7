package io.culvert.data;

import java.util.List;
import java.util.TreeMap;

/** Counts problems and keeps the first few in the data set's order, whichever thread found them. */
final class ProblemList {
    private final int listed;
    private final TreeMap<Long, String> first = new TreeMap<>();
    private long count;

    ProblemList(int listed) {
        this.listed = listed;
    }

    /** @param place orders the problems; two problems never share one */
    synchronized void add(long place, String problem) {
        count++;
        first.put(place, problem);
        if (first.size() > listed) {
            first.pollLastEntry();
        }
    }

    synchronized long count() {
        return count;
    }

    synchronized List<String> listed() {
        return List.copyOf(first.values());
    }
}
