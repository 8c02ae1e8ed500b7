package io.culvert.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The PTX in the source tree. */
final class ShippedPtx {
    private static final Path FOLDER = Path.of("main/resources/io/culvert/ptx");
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)");

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

    static List<String> kernels(String module) {
        return ENTRY.matcher(text(module)).results().map(found -> found.group(1)).toList();
    }
}
