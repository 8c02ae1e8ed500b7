package io.culvert.bindings.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Constants, sizes and offsets in the generated classes against what the C compiler makes of the same headers. oneDNN's
 * and leptonica's headers come with Maven; NVIDIA's have to be installed, in the version that was bound.
 */
class LayoutTest {
    private static final Path NATIVE =
            Path.of(System.getProperty("basedir", ".")).resolveSibling("native").toAbsolutePath();

    @TempDir
    private Path work;

    @ParameterizedTest
    @ValueSource(strings = {"dnnl", "leptonica"})
    void headersOfMaven(String binding) throws Exception {
        assumeTrue(Headers.compilerIsThere(), "no C compiler (cc) on PATH");
        List<Path> folders = List.of(Headers.fromJar(binding, work));
        assertThat(changedHeaders(binding, folders))
                .as("headers that are not those of native/toolchain.lock: run native/generate-bindings.sh")
                .isEmpty();
        compare(binding, folders);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cublas", "cublaslt", "cudnn", "nccl", "nvtx", "cupti"})
    void headersOfNvidia(String binding) throws Exception {
        assumeTrue(Headers.compilerIsThere(), "no C compiler (cc) on PATH");
        List<Path> folders = Headers.nvidiaFolders();
        List<String> changed = changedHeaders(binding, folders);
        assumeTrue(
                changed.isEmpty(),
                () -> "not in " + folders + " in the version of native/toolchain.lock: " + changed.getFirst());
        compare(binding, folders);
    }

    private void compare(String binding, List<Path> folders) throws Exception {
        Map<String, String> generated = new LinkedHashMap<>();
        List<String> entries = new ArrayList<>();
        for (String line : Files.readAllLines(NATIVE.resolve("symbols/" + binding + ".txt"))) {
            String kind = line.substring(0, line.indexOf(' '));
            String name = line.substring(line.indexOf(' ') + 1);
            switch (kind) {
                case "--include-constant" -> constant(binding, name, generated, entries);
                case "--include-struct" -> struct(binding, "struct ", name, generated, entries);
                case "--include-union" -> struct(binding, "union ", name, generated, entries);
                default -> assertThat(kind).isIn("--include-function", "--include-typedef");
            }
        }
        Map<String, String> compiled = compiled(binding, folders, entries);
        List<String> differences = new ArrayList<>();
        generated.forEach((name, value) -> {
            if (!value.equals(compiled.get(name))) {
                differences.add(name + ": Java " + value + ", C " + compiled.get(name));
            }
        });
        assertThat(differences).isEmpty();
        assertThat(compiled).hasSameSizeAs(generated).isNotEmpty();
    }

    private static void constant(
            String binding, String name, Map<String, String> generated, List<String> entries) throws Exception {
        Object value = type(binding, binding + "_h").getMethod(name).invoke(null);
        generated.put(
                name,
                switch (value) {
                    case MemorySegment text when text.byteSize() > 0 -> text.getString(0);
                    case MemorySegment address -> Long.toString(address.address());
                    case Double real -> Long.toString(Double.doubleToLongBits(real));
                    case Float real -> Long.toString(Double.doubleToLongBits(real));
                    default -> value.toString();
                });
        // A C enumerator or macro above the range of int is the same bits in Java's int.
        entries.add(value instanceof Integer ? "print_integer(\"" + name + "\", (int) " + name + ");"
                : "CONSTANT(" + name + ")");
    }

    private static void struct(
            String binding, String keyword, String name, Map<String, String> generated, List<String> entries)
            throws Exception {
        Class<?> struct = type(binding, name);
        String typedef = "--include-typedef " + name;
        String type = Files.readAllLines(NATIVE.resolve("symbols/" + binding + ".txt")).contains(typedef)
                ? name
                : keyword + name;
        generated.put("sizeof(" + name + ")", struct.getMethod("sizeof").invoke(null).toString());
        entries.add("SIZE(\"sizeof(" + name + ")\", " + type + ")");
        for (Method method : struct.getMethods()) {
            if (method.getName().endsWith("$offset")) {
                String field = method.getName().substring(0, method.getName().indexOf('$'));
                String label = name + "." + field;
                generated.put(label, method.invoke(null).toString());
                entries.add("OFFSET(\"" + label + "\", " + type + ", " + field + ")");
            }
        }
    }

    private Map<String, String> compiled(String binding, List<Path> folders, List<String> entries) throws Exception {
        Path list = Files.write(work.resolve("entries.inc"), entries);
        Path program = work.resolve("layout");
        List<String> command = new ArrayList<>(List.of("cc", "-w", "-o", program.toString()));
        command.add("-DHEADER=\"" + NATIVE.resolve("headers/" + binding + ".h") + "\"");
        command.add("-DENTRIES=\"" + list + "\"");
        folders.forEach(folder -> command.add("-I" + folder));
        command.add(NATIVE.resolve("layout/layout.c").toString());
        run(command);
        Map<String, String> values = new LinkedHashMap<>();
        for (String line : run(List.of(program.toString())).split("\n")) {
            values.put(line.substring(0, line.indexOf(' ')), line.substring(line.indexOf(' ') + 1));
        }
        return values;
    }

    private String run(List<String> command) throws IOException, InterruptedException {
        Path output = work.resolve("output.txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }

    private static Class<?> type(String binding, String name) throws ClassNotFoundException {
        return Class.forName("io.culvert.bindings." + binding + "." + name);
    }

    /** The lines of toolchain.lock for a binding whose header is missing or another. */
    private static List<String> changedHeaders(String binding, List<Path> folders) throws IOException {
        List<String> changed = new ArrayList<>();
        for (String line : Files.readAllLines(NATIVE.resolve("toolchain.lock"))) {
            String[] parts = line.split(" ");
            if (!line.startsWith("#") && parts[1].equals(binding)) {
                boolean same = folders.stream()
                        .map(folder -> folder.resolve(parts[2]))
                        .anyMatch(header -> Files.exists(header) && sha256(header).equals(parts[0]));
                if (!same) {
                    changed.add(parts[2]);
                }
            }
        }
        return changed;
    }

    private static String sha256(Path file) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
