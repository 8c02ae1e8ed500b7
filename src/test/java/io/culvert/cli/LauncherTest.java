package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code culvert} on a tree that is built already: the archive of classes, and what a bad one does. */
class LauncherTest {
    private static final Path SCRIPT = Path.of("..", "culvert");

    @TempDir
    private Path root;

    private Path target;

    private record Output(int code, String out, String err) {}

    @BeforeEach
    void layOutABuiltTree() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "the launcher is a shell script");
        target = root.resolve("src").resolve("target");
        Files.createDirectories(target);
        for (String folder : List.of("bindings/java", "src/main", "native/emulator", "native/symbols")) {
            Files.createDirectories(root.resolve(folder));
        }
        for (String pom : List.of("pom.xml", "bindings/pom.xml", "src/pom.xml")) {
            Files.createFile(root.resolve(pom));
        }
        Files.copy(SCRIPT, root.resolve("culvert"));
        List<String> dependencies = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry);
            if (path.endsWith(Path.of("src", "target", "classes"))) {
                pack(path, target.resolve("culvert.jar"));
            } else if (path.endsWith(Path.of("bindings", "target", "classes"))) {
                Path jar = root.resolve("bindings").resolve("bindings.jar");
                pack(path, jar);
                dependencies.add(jar.toString());
            } else if (Files.isRegularFile(path)) {
                dependencies.add(entry);
            }
        }
        Files.writeString(target.resolve("dependencies.classpath"), String.join(File.pathSeparator, dependencies));
    }

    private static void pack(Path folder, Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file);
                Stream<Path> paths = Files.walk(folder)) {
            out.setLevel(1);
            for (Path path : paths.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new JarEntry(folder.relativize(path).toString().replace(File.separatorChar, '/')));
                Files.copy(path, out);
            }
        }
    }

    private Output launch(String javaOpts, String... args) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of("/bin/sh", root.resolve("culvert").toString()));
        command.addAll(List.of(args));
        Path out = root.resolve("out.txt");
        Path err = root.resolve("err.txt");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().putAll(Map.of("JAVA_HOME", System.getProperty("java.home"), "JAVA_OPTS", javaOpts));
        int code = builder.start().waitFor();
        return new Output(
                code, Files.readString(out, StandardCharsets.UTF_8), Files.readString(err, StandardCharsets.UTF_8));
    }

    private Path archive() throws IOException {
        try (Stream<Path> files = Files.list(target)) {
            List<Path> archives =
                    files.filter(file -> file.toString().endsWith(".jsa")).toList();
            assertThat(archives).hasSize(1);
            return archives.getFirst();
        }
    }

    /** Where a start takes the program's main class from, by the JVM's own log; checks what the user sees as well. */
    private String sourceOfMain() throws IOException, InterruptedException {
        Path log = root.resolve("classes.log");
        Output output = launch("-Xlog:class+load:file=" + log, "--version");
        assertThat(output.code()).isZero();
        assertThat(output.out()).startsWith("culvert ").hasLineCount(2);
        assertThat(output.err()).isEqualToIgnoringNewLines("WARNING: Using incubator modules: jdk.incubator.vector");
        return Files.readAllLines(log).stream()
                .filter(line -> line.contains(Main.class.getName() + " source:"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aStartReadsItsClassesFromTheArchiveThatTheFirstOneMade() throws Exception {
        assertThat(sourceOfMain()).contains("shared objects file");
        FileTime made = Files.getLastModifiedTime(archive());
        assertThat(sourceOfMain()).contains("shared objects file");
        assertThat(Files.getLastModifiedTime(archive())).isEqualTo(made);
        assertThat(launch("", "--show-command", "pretrain", "x").out())
                .contains("'-XX:SharedArchiveFile=" + archive() + "'", "'pretrain' 'x'")
                .doesNotContain("TieredStopAtLevel");

        Files.setLastModifiedTime(target.resolve("dependencies.classpath"), FileTime.from(Instant.now()));
        assertThat(sourceOfMain()).contains("shared objects file");
        assertThat(Files.getLastModifiedTime(archive())).isGreaterThan(made);
    }

    @Test
    void anArchiveThatDoesNotFitDoesNoHarm() throws Exception {
        sourceOfMain();
        Path archive = archive();
        Path program = target.resolve("culvert.jar");
        FileTime built = Files.getLastModifiedTime(program);
        Files.setLastModifiedTime(program, FileTime.from(built.toInstant().plusSeconds(60)));
        assertThat(sourceOfMain()).contains("culvert.jar");

        byte[] bytes = Files.readAllBytes(archive);
        Files.write(archive, "no archive".getBytes(StandardCharsets.UTF_8));
        assertThat(sourceOfMain()).contains("culvert.jar");
        Files.write(archive, Arrays.copyOf(bytes, bytes.length / 2));
        assertThat(sourceOfMain()).contains("culvert.jar");

        // None could be made, or the file cannot be opened.
        Files.write(archive, new byte[0]);
        assertThat(sourceOfMain()).contains("culvert.jar");
        assertThat(launch("", "--show-command").out()).doesNotContain("SharedArchiveFile");
        Files.delete(archive);
        Files.createDirectory(archive);
        assertThat(sourceOfMain()).contains("culvert.jar");
    }
}
