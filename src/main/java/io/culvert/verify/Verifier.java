package io.culvert.verify;

import io.culvert.CulvertException;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** Runs conformance vectors on a device. */
public final class Verifier {
    private static final String SUFFIX = ".safetensors";

    private final Device device;
    private final OptionalDouble tolerance;

    /** @param tolerance instead of the kinds' own; a case may widen it for itself */
    public Verifier(Device device, OptionalDouble tolerance) {
        this.device = device;
        this.tolerance = tolerance;
    }

    /**
     * The cases under these files and folders, in the order given, folders in the order of their names.
     *
     * @throws CulvertException (usage) if a path does not exist
     */
    public static List<Path> find(List<Path> paths) {
        List<Path> cases = new ArrayList<>();
        for (Path path : paths) {
            if (Files.isDirectory(path)) {
                try (Stream<Path> files = Files.walk(path, FileVisitOption.FOLLOW_LINKS)) {
                    files.filter(file -> file.toString().endsWith(SUFFIX) && Files.isRegularFile(file))
                            .sorted()
                            .forEach(cases::add);
                } catch (IOException e) {
                    throw CulvertException.usage("%s: cannot list this folder: %s", path, e.getMessage());
                }
            } else if (Files.exists(path)) {
                cases.add(path);
            } else {
                throw CulvertException.usage("%s: no such file or folder", path);
            }
        }
        return cases;
    }

    /** Runs one case; a malformed file is an outcome, so that the others are still run. */
    public CaseOutcome run(Path file) {
        VectorCase vector = null;
        try (Arena mapping = Arena.ofConfined();
                RunArena arena = new RunArena(device)) {
            vector = new VectorCase(file, mapping);
            CaseRunner runner = CaseRunner.of(vector);
            Comparison worst = Comparison.worst(vector.expected(), runner.run(vector, arena));
            double usual = Math.max(runner.defaultTolerance(), device.precision().tolerance());
            double allowed = Math.max(tolerance.orElse(usual), vector.tolerance().orElse(0));
            return CaseOutcome.judged(vector, worst, allowed);
        } catch (CulvertException e) {
            if (e.kind() == CulvertException.Kind.DEVICE) {
                throw e;
            }
            return CaseOutcome.error(file, vector, e.getMessage());
        } catch (IllegalArgumentException | ArithmeticException e) {
            // The operations' own checks of shapes and settings: the file asks for what they do not do.
            return CaseOutcome.error(file, vector, e.getMessage());
        }
    }
}
