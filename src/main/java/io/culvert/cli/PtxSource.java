package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.Nearest;
import io.culvert.emulator.ptx.PtxException;
import io.culvert.emulator.ptx.PtxKernel;
import io.culvert.emulator.ptx.PtxModule;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A PTX text and what it was parsed into.
 *
 * @param name of the shipped module, or the file as the user gave it
 */
record PtxSource(String name, String text, PtxModule module) {
    private static final String FOLDER = "/io/culvert/ptx/";
    private static final String SUFFIX = ".ptx";

    /** The names of the modules that ship, sorted: {@code softmax} for {@code softmax.ptx}. */
    static List<String> shipped() {
        // A folder is not always an entry of a JAR; a file in it is.
        URL one = PtxSource.class.getResource(FOLDER + "elementwise" + SUFFIX);
        if (one == null) {
            throw new IllegalStateException(FOLDER + " has no PTX: run kernels/build.sh");
        }
        try {
            URI uri = one.toURI();
            if (uri.getScheme().equals("file")) {
                return modulesIn(Path.of(uri).getParent());
            }
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                return modulesIn(jar.getPath(FOLDER));
            }
        } catch (URISyntaxException | IOException e) {
            throw new IllegalStateException("cannot list " + one, e);
        }
    }

    private static List<String> modulesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(SUFFIX))
                    .map(file -> file.substring(0, file.length() - SUFFIX.length()))
                    .sorted()
                    .toList();
        }
    }

    /**
     * Parses a shipped module, or a PTX file.
     *
     * @throws CulvertException (usage) if it has something that the interpreter does not know, (data) if it cannot be
     *     read
     */
    static PtxSource open(String name) {
        try {
            String text = text(name);
            return new PtxSource(name, text, PtxModule.parse(text));
        } catch (PtxException e) {
            throw CulvertException.usage("%s: %s", name, e.getMessage());
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", name, e.getMessage());
        }
    }

    private static String text(String name) throws IOException {
        if (name.matches("\\w+") && !Files.exists(Path.of(name))) {
            try (InputStream in = PtxSource.class.getResourceAsStream(FOLDER + name + SUFFIX)) {
                if (in == null) {
                    List<String> shipped = shipped();
                    throw CulvertException.data(
                            "%s: neither a PTX file nor a shipped module%s; modules: %s",
                            name, Nearest.hint(name, shipped), String.join(" ", shipped));
                }
                return new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
        }
        if (!Files.isRegularFile(Path.of(name))) {
            throw CulvertException.data("%s: %s", name, Files.exists(Path.of(name)) ? "not a file" : "no such file");
        }
        return new String(Files.readAllBytes(Path.of(name)), StandardCharsets.UTF_8);
    }

    PtxKernel kernel(String kernel) {
        Map<String, PtxKernel> kernels = module.kernels();
        if (!kernels.containsKey(kernel)) {
            throw CulvertException.usage(
                    "%s has no kernel '%s'%s; it has %s",
                    name, kernel, Nearest.hint(kernel, kernels.keySet()), String.join(" ", kernels.keySet()));
        }
        return kernels.get(kernel);
    }

    /** A line of the text, counted from 1. */
    String line(int number) {
        return text.lines().skip(number - 1L).findFirst().orElse("").strip().replaceAll("\\s+", " ");
    }
}
