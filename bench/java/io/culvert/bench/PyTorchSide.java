package io.culvert.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * PyTorch measured by one of the scripts in {@code bench/peers}, which print one JSON line a case.
 *
 * @param script the script's file name
 * @param arguments one argument list a process
 */
record PyTorchSide(String script, List<List<String>> arguments, Settings settings) implements Side {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Override
    public List<Measurement> run() {
        return arguments.stream().flatMap(a -> run(a).stream()).toList();
    }

    private List<Measurement> run(List<String> arguments) {
        Path file = settings.home().resolve("bench").resolve("peers").resolve(script);
        List<String> command = new ArrayList<>(List.of(settings.python(), file.toString()));
        command.addAll(arguments);
        command.addAll(List.of("--threads", Integer.toString(settings.threads())));
        Outcome outcome = execute(command);
        if (outcome.status() != 0) {
            throw CulvertException.device("%s failed: %s", String.join(" ", command), outcome.lastLine());
        }
        return outcome.output()
                .lines()
                .filter(l -> l.startsWith("{"))
                .map(this::parse)
                .toList();
    }

    private Measurement parse(String line) {
        try {
            JsonNode node = JSON.readTree(line);
            List<Double> seconds = new ArrayList<>();
            node.get("seconds").forEach(s -> seconds.add(s.asDouble()));
            return new Measurement(
                    node.get("bench").asText(),
                    node.get("shape").asText(),
                    node.get("side").asText(),
                    seconds,
                    node.path("peak_rss_mb").asDouble(Double.NaN),
                    Double.NaN,
                    new Measurement.First(
                            node.path("first_s").asDouble(Double.NaN),
                            node.path("result").asDouble(Double.NaN)));
        } catch (IOException e) {
            throw CulvertException.data(e, "%s printed what is no measurement: %s", script, line);
        }
    }

    /** PyTorch's version, or nothing if this Python has none. */
    static Optional<String> version(String python) {
        try {
            Outcome outcome = execute(List.of(python, "-c", "import torch; print(torch.__version__)"));
            return outcome.status() == 0 ? Optional.of(outcome.lastLine()) : Optional.empty();
        } catch (CulvertException noPython) {
            return Optional.empty();
        }
    }

    /** Whether {@code torch.compile} works with this Python; it needs a C++ compiler and Python's headers. */
    static boolean compiles(String python) {
        return execute(List.of(python, "-c", "import torch; torch.compile(lambda x: x.sin() + 1)(torch.ones(8))"))
                        .status()
                == 0;
    }

    private static Outcome execute(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Outcome(process.waitFor(), output);
        } catch (IOException e) {
            throw CulvertException.device(e, "cannot start %s: %s", command.get(0), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw CulvertException.device(e, "%s was interrupted", command.get(0));
        }
    }

    private record Outcome(int status, String output) {
        String lastLine() {
            return output.lines().reduce("(no output)", (before, line) -> line);
        }
    }
}
