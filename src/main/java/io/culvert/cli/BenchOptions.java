package io.culvert.cli;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Option;

/** The options of {@code culvert bench}: the program shows and checks them, the benchmarks obey them. */
public final class BenchOptions {
    /** What can be measured. */
    public enum Group {
        DOWNCALL,
        GEMM,
        CONV,
        OP,
        STEP
    }

    /** Whom to measure beside Culvert. */
    public enum Peer {
        DJL,
        PYTORCH
    }

    @Option(
            names = "--only",
            split = ",",
            paramLabel = "GROUP",
            description = "What to measure: ${COMPLETION-CANDIDATES}; all by default.")
    private Set<Group> only = EnumSet.allOf(Group.class);

    @Option(
            names = "--peers",
            split = ",",
            paramLabel = "PEER",
            description = "Whom to measure beside: ${COMPLETION-CANDIDATES}; all by default.")
    private Set<Peer> peers = EnumSet.allOf(Peer.class);

    @Option(
            names = "--case",
            paramLabel = "CASE",
            description = "The one case to measure, as the table names it; with a single group.")
    private String one = "";

    @Option(names = "--quick", description = "One case a group, one round, few samples.")
    private boolean quick;

    @Option(names = "--rounds", paramLabel = "N", description = "How often each side has its turn; 2, or 1 if quick.")
    private Integer rounds;

    @Option(names = "--threads", paramLabel = "N", description = "Threads for one operation; all processors.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--python", paramLabel = "FILE", description = "Python that has PyTorch; python3.")
    private String python = "python3";

    @Option(
            names = "--results",
            paramLabel = "FILE",
            description = "Where to append the result, one JSON line a run; bench/results/history.jsonl.")
    private Path results;

    public Set<Group> only() {
        return only;
    }

    public Set<Peer> peers() {
        return peers;
    }

    /** The one case to measure; empty: all. */
    public String one() {
        return one;
    }

    public boolean quick() {
        return quick;
    }

    /** How often each side has its turn. */
    public int rounds() {
        if (rounds != null) {
            return rounds;
        }
        return quick ? 1 : 2;
    }

    public int threads() {
        return threads;
    }

    public String python() {
        return python;
    }

    /** Where to append the result, given the root of the source tree. */
    public Path results(Path home) {
        return results == null ? home.resolve("bench").resolve("results").resolve("history.jsonl") : results;
    }
}
