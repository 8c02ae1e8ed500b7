package io.culvert;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Replaces a file so that whoever reads it, even after a kill or a power cut, finds the old content or the new, never a
 * part: write beside it, fsync, rename, fsync the folder.
 */
public final class AtomicFile {
    /** Writes the content of a file. */
    public interface Body {
        void writeTo(FileChannel channel) throws IOException;
    }

    private AtomicFile() {}

    /**
     * Replaces {@code file} by what {@code body} writes.
     *
     * @throws CulvertException (data) if the disk is full or the folder cannot be written; {@code file} is then as before
     */
    public static void replace(Path file, Body body) {
        Path folder = file.toAbsolutePath().getParent();
        Path partial = folder.resolve(file.getFileName() + ".partial");
        try {
            try (FileChannel channel = FileChannel.open(
                    partial,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                body.writeTo(channel);
                channel.force(true);
            }
            Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            // The rename itself lasts only once the folder that holds the name is on disk.
            try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
                directory.force(true);
            }
        } catch (IOException e) {
            deleteQuietly(partial, e);
            throw cannotWrite(file, e);
        }
    }

    /** As {@link #replace(Path, Body)}, for a text in UTF-8. */
    public static void replace(Path file, String text) {
        replace(file, channel -> {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        });
    }

    /** The one-line failure for a file that cannot be written, with the system's own reason. */
    public static CulvertException cannotWrite(Path file, IOException e) {
        String reason = e instanceof FileSystemException fs && fs.getReason() != null
                ? fs.getReason()
                : e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        boolean full = reason.contains("No space left") || reason.contains("quota");
        return CulvertException.data(
                e,
                "%s: cannot write: %s; %s",
                file,
                reason,
                full ? "free some space on this disk" : "check that its folder exists and may be written");
    }

    private static void deleteQuietly(Path partial, IOException cause) {
        try {
            Files.deleteIfExists(partial);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }
}
