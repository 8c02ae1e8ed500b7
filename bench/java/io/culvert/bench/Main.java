package io.culvert.bench;

import io.culvert.CulvertException;
import io.culvert.bench.djl.DjlEngine;
import io.culvert.cli.BenchOptions;
import io.culvert.cli.BenchOptions.Peer;
import io.culvert.cli.Version;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code culvert bench}: the same work done by Culvert, by DJL and by PyTorch, in turn, in one run. */
@Command(name = "culvert bench")
public final class Main implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

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
        boolean compiles = compiles(out);
        Settings settings =
                new Settings(options.threads(), options.quick(), home, options.python(), compiles, options.one());
        Collection<Measurement> measurements = measure(settings, out);
        out.println();
        out.print(Table.of(measurements));
        Agreement.check(measurements);
        Path file = options.results(home);
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
        context.put("commit", Machine.commit(Path.of(System.getProperty("culvert.home", "."))));
        context.put("java", Version.platform());
        context.put("machine", Machine.describe());
        context.put("load", "%.2f when it began".formatted(Machine.load()));
        context.put("threads", Integer.toString(options.threads()));
        if (options.peers().contains(Peer.DJL)) {
            context.put("djl", DjlEngine.version());
        }
        if (options.peers().contains(Peer.PYTORCH)) {
            Optional<String> version = PyTorchSide.version(options.python());
            if (version.isEmpty()) {
                out.printf("PyTorch is left out: '%s -c \"import torch\"' fails%n%n", options.python());
                options.peers().remove(Peer.PYTORCH);
            }
            version.ifPresent(v -> context.put("pytorch", v));
        }
        return context;
    }

    /** Only whole steps are also compiled. */
    private boolean compiles(PrintWriter out) {
        if (!options.only().contains(BenchOptions.Group.STEP) || !options.peers().contains(Peer.PYTORCH)) {
            return false;
        }
        boolean compiles = PyTorchSide.compiles(options.python());
        if (!compiles) {
            out.printf("torch.compile is left out: it fails with '%s'; it needs a C++ compiler%n%n", options.python());
        }
        return compiles;
    }

    private Collection<Measurement> measure(Settings settings, PrintWriter out) {
        Map<String, Measurement> all = new LinkedHashMap<>();
        for (BenchGroup group : options.only().stream().map(BenchGroup::of).toList()) {
            List<Side> sides = group.sides(options.peers(), settings);
            for (int round = 0; round < options.rounds(); round++) {
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
