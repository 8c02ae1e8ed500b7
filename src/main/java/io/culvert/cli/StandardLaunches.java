package io.culvert.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One launch of each shipped kernel at an awkward shape, as {@code io/culvert/ptx/launches.txt} has them: module,
 * kernel, grid, block, arguments. What {@code kernels profile} shows, and what the recorded counts are of.
 */
final class StandardLaunches {
    /** A line of the file. */
    record Entry(String module, String kernel, String grid, String block, List<String> arguments) {
        private static Entry of(String line) {
            String[] words = line.split("\\s+");
            return new Entry(words[0], words[1], words[2], words[3], Arrays.asList(words).subList(4, words.length));
        }
    }

    private final Map<String, PtxSource> sources = new HashMap<>();

    static List<Entry> entries() {
        try (InputStream in = StandardLaunches.class.getResourceAsStream("/io/culvert/ptx/launches.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(Entry::of)
                    .toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    PtxSource source(Entry entry) {
        return sources.computeIfAbsent(entry.module, PtxSource::open);
    }

    KernelLaunch launch(Entry entry) {
        return new KernelLaunch(
                source(entry).kernel(entry.kernel),
                KernelLaunch.extent("grid", entry.grid),
                KernelLaunch.extent("block", entry.block),
                0,
                entry.arguments);
    }
}
