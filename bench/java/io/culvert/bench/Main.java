package io.culvert.bench;

import io.culvert.CulvertException;
import io.culvert.bench.BenchGroup.Peer;
import io.culvert.bench.djl.DjlEngine;
import io.culvert.cli.Version;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert bench}: the same work done by Culvert, by DJL and by PyTorch, in turn, in one run. */
@Command(
        name = "culvert bench",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = {
            "Measures Culvert beside its peers, in turn (A B A B), each case in a process of its own.",
            "A ratio of 1.30x says that the peer takes 1.3 times as long as Culvert.%n"
        })
public final class Main implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--only",
            split = ",",
            paramLabel = "GROUP",
            description = "What to measure: ${COMPLETION-CANDIDATES}; all by default.")
    private Set<BenchGroup> only = EnumSet.allOf(BenchGroup.class);

    @Option(
            names = "--peers",
            split = ",",
            paramLabel = "PEER",
            description = "Whom to measure beside: ${COMPLETION-CANDIDATES}; all by default.")
    private Set<Peer> peers = EnumSet.allOf(Peer.class);

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
            description = "Where to append the result; bench/results/history.jsonl.")
    private Path results;

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(Main::report)
                .execute(args));
    }

    private static int report(Exception failure, CommandLine command, CommandLine.ParseResult parsed) throws Exception {
        if (failure instanceof CulvertException mendable) {
            command.getErr().println("culvert: error: " + mendable.getMessage());
            return mendable.kind().exitCode;
        }
        throw failure;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        Path home = Path.of(System.getProperty("culvert.home", "."));
        Map<String, String> context = context(out);
        context.forEach((key, value) -> out.printf("%-8s %s%n", key, value));
        out.println();
        Collection<Measurement> measurements = measure(new Settings(threads, quick, home, python), out);
        out.println();
        out.print(Table.of(measurements));
        Path file = results == null ? home.resolve("bench").resolve("results").resolve("history.jsonl") : results;
        History.append(file, context, measurements);
        out.println();
        out.println("Appended to " + file);
        out.flush();
        return 0;
    }

    private Map<String, String> context(PrintWriter out) {
        Map<String, String> context = new LinkedHashMap<>();
        context.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        context.put("culvert", Version.culvert());
        context.put("java", Version.platform());
        context.put("machine", Machine.describe());
        context.put("load", "%.2f when it began".formatted(Machine.load()));
        context.put("threads", Integer.toString(threads));
        if (peers.contains(Peer.DJL)) {
            context.put("djl", DjlEngine.version());
        }
        if (peers.contains(Peer.PYTORCH)) {
            Optional<String> version = PyTorchSide.version(python);
            if (version.isEmpty()) {
                out.printf("PyTorch is left out: '%s -c \"import torch\"' fails%n%n", python);
                peers.remove(Peer.PYTORCH);
            }
            version.ifPresent(v -> context.put("pytorch", v));
        }
        return context;
    }

    private Collection<Measurement> measure(Settings settings, PrintWriter out) {
        int turns = rounds == null ? (quick ? 1 : 2) : rounds;
        Map<String, Measurement> all = new LinkedHashMap<>();
        for (BenchGroup group : only) {
            List<Side> sides = group.sides(peers, settings);
            for (int round = 0; round < turns; round++) {
                for (Side side : sides) {
                    List<Measurement> measured = new ArrayList<>(side.run());
                    for (Measurement m : measured) {
                        all.merge(m.bench() + '|' + m.shape() + '|' + m.side(), m, Measurement::and);
                        out.printf(
                                "round %d  %-13s %-24s %-22s %s%n",
                                round + 1, m.bench(), m.shape(), m.side(), Table.time(m.median()));
                    }
                    out.flush();
                }
            }
        }
        return all.values();
    }
}
