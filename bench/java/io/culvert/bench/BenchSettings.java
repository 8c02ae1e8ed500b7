package io.culvert.bench;

/** Settings that reach the forked JVMs as system properties. */
public final class BenchSettings {
    /** System property with the number of threads that each side may use for one operation. */
    public static final String THREADS = "culvert.bench.threads";

    private BenchSettings() {}

    /** Threads for one operation; all processors unless told otherwise. */
    public static int threads() {
        return Integer.getInteger(THREADS, Runtime.getRuntime().availableProcessors());
    }
}
