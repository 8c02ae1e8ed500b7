package io.culvert.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The PTX in the source tree. */
final class ShippedPtx {
    private static final Path FOLDER = Path.of("main/resources/io/culvert/ptx");
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)");

    private static final Map<String, List<String>> SOURCES = new ConcurrentHashMap<>();

    private ShippedPtx() {}

    static List<String> modules() {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".ptx"))
                    .map(name -> name.replace(".ptx", ""))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String text(String module) {
        try {
            return Files.readString(FOLDER.resolve(module + ".ptx"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A place of the source by file and text, which stays what it is when lines are added above; of the toolkit's
     * headers, and where the compiler names no line, by file and number.
     */
    static String place(String file, int line) {
        List<String> lines = SOURCES.computeIfAbsent(file, ShippedPtx::source);
        return file + ": " + (line > 0 && line <= lines.size() ? lines.get(line - 1).strip() : "line " + line);
    }

    private static List<String> source(String file) {
        Path path = Path.of("../kernels", file);
        try {
            return Files.exists(path) ? Files.readAllLines(path) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<String> kernels(String module) {
        return ENTRY.matcher(text(module)).results().map(found -> found.group(1)).toList();
    }
}
