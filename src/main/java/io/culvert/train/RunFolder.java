package io.culvert.train;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.tensorboard.EventFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** The folder of one run, held against other processes until closed. */
public final class RunFolder implements AutoCloseable {
    /** What to do with what the folder already holds. */
    public enum Mode {
        /** The folder must be empty or new. */
        FRESH,
        /** The folder must hold a checkpoint. */
        RESUME,
        /** Files of an earlier run are deleted; files that no run writes stay. */
        OVERWRITE
    }

    private static final String LOCK = ".lock";
    private static final String CHECKPOINT = "checkpoint.safetensors";
    private static final String ENCODER = "encoder.safetensors";
    private static final String METRICS = "metrics.jsonl";
    private static final String CONFIG = "config.resolved.yaml";
    private static final String PROBE = "probe.safetensors";
    private static final String MLFLOW = "mlflow.run";
    private static final String DIVERGED = "diverged.safetensors";
    private static final String REPORT = "report.html";
    private static final String NUMBERS = "report.json";

    private final Path folder;
    private final FileChannel lockFile;

    private RunFolder(Path folder, FileChannel lockFile) {
        this.folder = folder;
        this.lockFile = lockFile;
    }

    /**
     * Creates or takes over the folder.
     *
     * @throws CulvertException (usage) if the folder is in use, or its content does not allow the mode; (data) if it
     *     cannot be created
     */
    public static RunFolder open(Path folder, Mode mode) {
        try {
            Files.createDirectories(folder);
            // Locked before its content is looked at: two processes cannot both find it empty.
            RunFolder run = new RunFolder(folder, lock(folder));
            try {
                run.prepare(mode);
            } catch (IOException | RuntimeException e) {
                run.close();
                throw e;
            }
            return run;
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
    }

    /** The folder of a run that another process holds and writes, to read from. */
    static RunFolder ofAnother(Path folder) {
        return new RunFolder(folder, null);
    }

    private static FileChannel lock(Path folder) throws IOException {
        FileChannel channel =
                FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // This very process holds it; to the user that is the same as another.
        }
        channel.close();
        throw CulvertException.usage(
                "%s: another process runs in this folder; wait for it or choose another name", folder);
    }

    private void prepare(Mode mode) throws IOException {
        switch (mode) {
            case FRESH -> {
                if (!isEmpty()) {
                    throw CulvertException.usage(
                            "%s: this folder is not empty; use --resume to continue its run, --overwrite to replace it,"
                                    + " or another name",
                            folder);
                }
            }
            case RESUME -> {
                if (!Files.exists(checkpoint())) {
                    throw CulvertException.usage(
                            "%s: no %s to resume from; start without --resume", folder, CHECKPOINT);
                }
            }
            case OVERWRITE -> {
                for (String own : List.of(CHECKPOINT, ENCODER, METRICS, CONFIG, PROBE, REPORT, NUMBERS, DIVERGED, MLFLOW)) {
                    Files.deleteIfExists(folder.resolve(own));
                }
                try (Stream<Path> files = Files.list(folder)) {
                    for (Path events : files.filter(EventFile::isOne).toList()) {
                        Files.delete(events);
                    }
                }
            }
        }
    }

    private boolean isEmpty() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.allMatch(file -> file.getFileName().toString().equals(LOCK));
        }
    }

    public Path path() {
        return folder;
    }

    /** The newest checkpoint. */
    public Path checkpoint() {
        return folder.resolve(CHECKPOINT);
    }

    /** The trained backbone as timm's state dictionary. */
    public Path encoder() {
        return folder.resolve(ENCODER);
    }

    /** The linear probe of the encoder. */
    public Path probe() {
        return folder.resolve(PROBE);
    }

    /** The step that diverged, if one did. */
    public Path diverged() {
        return divergedOf(folder);
    }

    /** The step that diverged of the run in a folder. */
    public static Path divergedOf(Path folder) {
        return folder.resolve(DIVERGED);
    }

    /** What an MLflow server calls the run, if it is sent to one. */
    public Path mlflow() {
        return folder.resolve(MLFLOW);
    }

    /** One JSON object a line. */
    public Path metrics() {
        return folder.resolve(METRICS);
    }

    /** Every key with the value that the run used. */
    public Path config() {
        return folder.resolve(CONFIG);
    }

    public Path report() {
        return folder.resolve(REPORT);
    }

    /**
     * The configuration that the run in a folder was started with.
     *
     * @throws CulvertException (usage) if no run was started there
     */
    public static Path configOf(Path folder) {
        Path config = folder.resolve(CONFIG);
        if (!Files.exists(config)) {
            throw CulvertException.usage("%s: no %s here; give --run the folder of a run", folder, CONFIG);
        }
        return config;
    }

    /** The encoder that the run in a folder leaves when it ends. */
    public static Path encoderOf(Path folder) {
        return folder.resolve(ENCODER);
    }

    /** The newest checkpoint of the run in a folder. */
    public static Path checkpointOf(Path folder) {
        return folder.resolve(CHECKPOINT);
    }

    /** Writes {@link #config()}. */
    public void writeConfig(RunConfig config) {
        AtomicFile.replace(config(), config.toYaml());
    }

    /** Lets other processes have the folder. */
    @Override
    public void close() {
        if (lockFile == null) {
            return;
        }
        try {
            lockFile.close();
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder.resolve(LOCK), e);
        }
    }
}
