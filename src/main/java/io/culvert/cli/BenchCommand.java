package io.culvert.cli;

import io.culvert.CulvertException;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code culvert bench}: builds the benchmarks of the source tree when they are older than the program, then runs them
 * in a JVM of their own. They are not part of the program, so that it does not carry its peers' libraries.
 */
@Command(
        name = "bench",
        mixinStandardHelpOptions = false,
        description =
                "Measure Culvert beside DJL and PyTorch on this machine; 'culvert bench --help' lists the options.")
final class BenchCommand implements Callable<Integer> {
    private static final String MAIN = "io.culvert.bench.Main";
    private static final List<String> BUILD =
            List.of("mvn", "-q", "-B", "-DskipTests", "-Ppeers", "package", "-pl", "bench", "-am");

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Override
    public Integer call() {
        if (options.threads() < 1 || options.rounds() < 1) {
            throw CulvertException.usage("--threads and --rounds must be at least 1");
        }
        if (!options.one().isEmpty() && options.only().size() != 1) {
            throw CulvertException.usage("--case %s: of which group? Say --only step, for example", options.one());
        }
        Path home = Path.of(System.getProperty("culvert.home", "."))
                .toAbsolutePath()
                .normalize();
        Path target = home.resolve("bench").resolve("target");
        Path classPath = target.resolve("classpath");
        if (!Files.isRegularFile(home.resolve("bench").resolve("pom.xml"))) {
            throw CulvertException.usage(
                    "%s is not Culvert's source tree, which the benchmarks are built from; run ./culvert bench there",
                    home);
        }
        if (isStale(home, classPath) && run(home, BUILD) != 0) {
            throw CulvertException.device(
                    "the benchmarks do not build; '%s' in %s says why", String.join(" ", BUILD), home);
        }
        return run(home, command(home, target, read(classPath)));
    }

    private List<String> command(Path home, Path target, String libraries) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            // The launcher's archive is for the program's own class path.
            if (!flag.startsWith("-XX:SharedArchiveFile=")) {
                command.add(flag);
            }
        }
        if (Runtime.version().feature() >= 23) {
            command.add("--sun-misc-unsafe-memory-access=allow"); // JMH uses it; the warning would head the table
        }
        command.add("-Dculvert.home=" + home);
        command.add("-cp");
        command.add(target.resolve("classes") + File.pathSeparator + libraries);
        command.add(MAIN);
        List<String> given = spec.root().commandLine().getParseResult().originalArgs();
        command.addAll(given.subList(given.indexOf(spec.name()) + 1, given.size()));
        return command;
    }

    /** Whether a source file is newer than the last build. */
    private static boolean isStale(Path home, Path built) {
        if (!Files.isRegularFile(built)) {
            return true;
        }
        try {
            long when = Files.getLastModifiedTime(built).toMillis();
            for (String module : List.of("bindings", "src", "bench")) {
                try (Stream<Path> files = Files.walk(home.resolve(module))) {
                    boolean newer = files.filter(f -> f.toString().endsWith(".java"))
                            .anyMatch(f -> f.toFile().lastModified() > when);
                    if (newer) {
                        return true;
                    }
                }
            }
            return false;
        } catch (IOException e) {
            throw CulvertException.data(e, "cannot read the source tree %s: %s", home, e.getMessage());
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw CulvertException.data(e, "cannot read %s: %s", file, e.getMessage());
        }
    }

    private static int run(Path folder, List<String> command) {
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).directory(folder.toFile()).inheritIO();
            // Maven may run on an older Java; its toolchain plugin finds this one by the variable.
            builder.environment().put("JAVA22_HOME", System.getProperty("java.home"));
            return builder.start().waitFor();
        } catch (IOException e) {
            throw CulvertException.device(
                    e, "cannot start %s: %s; install it or put it on the PATH", command.get(0), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw CulvertException.device(e, "%s was interrupted", command.get(0));
        }
    }
}
