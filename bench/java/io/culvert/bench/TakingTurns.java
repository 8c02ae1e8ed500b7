package io.culvert.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A training step: all sides are processes at the same time, each warmed up while the others wait, and then take turns, a step each, so
 * that what a machine shared with others does to one it does to all. Their peaks of memory are each its own.
 *
 * @param shape the case
 * @param sides their command lines by name, in the order of their turns
 */
record TakingTurns(String shape, Map<String, List<String>> sides, int samples) implements Side {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Override
    public List<Measurement> run() {
        List<Player> all = new ArrayList<>();
        try {
            List<Player> players = new ArrayList<>();
            sides.forEach((side, command) -> {
                Player player = new Player(side, command);
                all.add(player);
                if (!fails(player, Player::awaitReady)) {
                    players.add(player);
                }
            });
            for (int i = 0; i < samples; i++) {
                players.removeIf(player -> fails(player, Player::step));
            }
            return players.stream().map(player -> player.measurement(shape)).toList();
        } finally {
            all.forEach(Player::end);
        }
    }

    /** A peer that fails, as a compiler may that is PyTorch's and not ours, is left out and the others go on. */
    private boolean fails(Player player, Consumer<Player> turn) {
        try {
            turn.accept(player);
            return false;
        } catch (CulvertException e) {
            if (player.side.equals(Table.CULVERT)) {
                throw e;
            }
            System.err.printf("%s is left out of %s: %s%n", player.side, shape, e.getMessage());
            return true;
        }
    }

    /** The process of a side. */
    private static final class Player {
        private static final int LAST_LINES = 5;

        private final String side;
        private final Process process;
        private final BufferedReader output;
        private final OutputStream input;
        private final List<Double> seconds = new ArrayList<>();
        private double heapBytes = Double.NaN;
        private JsonNode last;

        Player(String side, List<String> command) {
            this.side = side;
            try {
                process = new ProcessBuilder(command).redirectErrorStream(true).start();
            } catch (IOException e) {
                throw CulvertException.device(e, "cannot start %s: %s", command.getFirst(), e.getMessage());
            }
            output = process.inputReader(StandardCharsets.UTF_8);
            input = process.getOutputStream();
        }

        void awaitReady() {
            read("ready");
        }

        /** The next line that begins so; others are warnings of a library. */
        private String read(String start) {
            List<String> before = new ArrayList<>();
            try {
                for (String line = output.readLine(); line != null; line = output.readLine()) {
                    if (line.startsWith(start)) {
                        return line;
                    }
                    before.add(line);
                }
            } catch (IOException e) {
                throw CulvertException.device(e, "%s ended: %s", side, e.getMessage());
            }
            throw CulvertException.device(
                    "%s ended: %s", side,
                    String.join("; ", before.subList(Math.max(0, before.size() - LAST_LINES), before.size())));
        }

        void step() {
            try {
                input.write('\n');
                input.flush();
                last = JSON.readTree(read("{"));
            } catch (IOException e) {
                throw CulvertException.device(e, "%s ended: %s", side, e.getMessage());
            }
            seconds.add(last.get("seconds").asDouble());
            double heap = last.path("heap_bytes").asDouble(Double.NaN);
            heapBytes = Double.isNaN(heapBytes) ? heap : Math.min(heapBytes, heap);
        }

        Measurement measurement(String shape) {
            return new Measurement(
                    "step", shape, side, seconds, last.path("peak_rss_mb").asDouble(Double.NaN), heapBytes,
                    new Measurement.First(last.path("first_s").asDouble(Double.NaN), Double.NaN));
        }

        /** By the end of its input; by force where that does not help. */
        void end() {
            try {
                input.close();
                if (process.waitFor(10, TimeUnit.SECONDS)) {
                    return;
                }
            } catch (IOException gone) {
                // It has ended already.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            process.destroyForcibly();
        }
    }
}
