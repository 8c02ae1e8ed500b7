package io.culvert.bindings.load;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The folders where NVIDIA's libraries are usually installed. */
final class NvidiaFolders {
    private final Surroundings surroundings;

    NvidiaFolders(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** {@code /usr/local/cuda/lib64}, then those of the versions beside it, newest first; after each, where CUPTI may be. */
    List<Path> toolkits() {
        return matching(surroundings.root().resolve("usr/local"), "cuda*").stream()
                .flatMap(toolkit -> Stream.of(toolkit.resolve("lib64"), toolkit.resolve("extras/CUPTI/lib64")))
                .filter(Files::isDirectory)
                .toList();
    }

    /** The {@code nvidia/NAME/lib} folders of pip's wheels, in the active environment first. */
    List<Path> wheels() {
        List<Path> folders = new ArrayList<>();
        for (Path prefix : pythonPrefixes()) {
            for (Path python : matching(prefix.resolve("lib"), "python3*")) {
                for (String packages : List.of("site-packages", "dist-packages")) {
                    matching(python.resolve(packages).resolve("nvidia"), "*").stream()
                            .map(wheel -> wheel.resolve("lib"))
                            .filter(Files::isDirectory)
                            .forEach(folders::add);
                }
            }
        }
        return folders;
    }

    private List<Path> pythonPrefixes() {
        List<Path> prefixes = new ArrayList<>();
        for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            String value = surroundings.environment().apply(variable);
            if (value != null && !value.isBlank()) {
                prefixes.add(Path.of(value));
            }
        }
        prefixes.add(Path.of(surroundings.property().apply("user.home"), ".local"));
        prefixes.add(surroundings.root().resolve("usr/local"));
        prefixes.add(surroundings.root().resolve("usr"));
        return prefixes;
    }

    /** What a folder holds that matches, plain names before longer ones, newer versions before older. */
    static List<Path> matching(Path folder, String glob) {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
                stream.forEach(found::add);
            } catch (IOException e) {
                // A folder that cannot be listed offers nothing; the search says that it found nothing there.
                found.clear();
            }
        }
        Comparator<Path> versionDescending = Comparator.comparing(Path::toString).reversed();
        found.sort(Comparator.<Path>comparingInt(path -> path.getFileName().toString().contains("-") ? 1 : 0)
                .thenComparing(versionDescending));
        return found;
    }
}
