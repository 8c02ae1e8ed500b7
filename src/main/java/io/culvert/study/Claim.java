package io.culvert.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.AtomicFile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The right to work in a folder that machines share. Claims are files that are numbered and never deleted while work
 * goes on; creating a file that must not exist yet is the one step in which two workers can meet, and file systems let
 * one of them through. The claim with the highest number counts. It is free once it was released, once its process is
 * seen to be gone, or once it has not been touched for a while: then whoever creates the next number has it, and the old
 * owner, should it wake up, sees a number above its own.
 */
public final class Claim implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String PREFIX = "claim-";
    private static final String RELEASED = ".released";

    private final Path folder;
    private final int number;

    /**
     * Who holds a folder.
     *
     * @param host machine
     * @param pid process on it
     * @param since when the claim was made
     * @param silent since when it was not touched
     */
    public record Owner(String host, long pid, Instant since, Duration silent) {}

    private Claim(Path folder, int number) {
        this.folder = folder;
        this.number = number;
    }

    /** The claim with this number, made by another process in whose name this one works. */
    static Claim of(Path folder, int number) {
        return new Claim(folder, number);
    }

    /**
     * Takes the folder, if it is free.
     *
     * @param dead after how long without a beat an owner counts as dead
     */
    static Optional<Claim> take(Path folder, Duration dead) {
        try {
            Files.createDirectories(folder);
            int newest = newest(folder);
            if (newest > 0 && owner(folder, newest, dead).isPresent()) {
                return Optional.empty();
            }
            return create(folder, newest + 1);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
    }

    private static Optional<Claim> create(Path folder, int number) throws IOException {
        String content = JSON.createObjectNode()
                .put("host", host())
                .put("pid", ProcessHandle.current().pid())
                .put("since", Instant.now().toString())
                .toString();
        try (FileChannel file =
                FileChannel.open(file(folder, number), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap((content + "\n").getBytes(StandardCharsets.UTF_8)));
            return Optional.of(new Claim(folder, number));
        } catch (FileAlreadyExistsException e) {
            return Optional.empty(); // another was faster
        }
    }

    /** Who works in a folder now, if somebody does. */
    static Optional<Owner> owner(Path folder, Duration dead) {
        try {
            int newest = Files.isDirectory(folder) ? newest(folder) : 0;
            return newest == 0 ? Optional.empty() : owner(folder, newest, dead);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
    }

    private static Optional<Owner> owner(Path folder, int number, Duration dead) throws IOException {
        if (Files.exists(folder.resolve(PREFIX + number + RELEASED))) {
            return Optional.empty();
        }
        Path file = file(folder, number);
        Duration silent = Duration.between(Files.getLastModifiedTime(file).toInstant(), clockOf(folder));
        if (silent.compareTo(dead) > 0) {
            return Optional.empty();
        }
        JsonNode content;
        try {
            content = JSON.readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            content = JSON.createObjectNode(); // just being written
        }
        String host = content.path("host").asText("");
        long pid = content.path("pid").asLong();
        if (host.equals(host()) && ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty()) {
            return Optional.empty();
        }
        String since = content.path("since").asText("");
        return Optional.of(new Owner(host, pid, since.isEmpty() ? Instant.now() : Instant.parse(since), silent));
    }

    /** The time by the clock that stamps the folder's files, which is not this machine's where the folder is remote. */
    private static Instant clockOf(Path folder) throws IOException {
        Path probe = folder.resolve(".clock-" + UUID.randomUUID());
        try {
            Files.write(probe, new byte[] {0});
        } catch (AccessDeniedException e) {
            return Instant.now(); // who may only look gets the next best clock
        }
        try {
            return Files.getLastModifiedTime(probe).toInstant();
        } finally {
            Files.deleteIfExists(probe);
        }
    }

    private static int newest(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches(PREFIX + "\\d+"))
                    .map(name -> Integer.parseInt(name.substring(PREFIX.length())))
                    .max(Comparator.naturalOrder())
                    .orElse(0);
        }
    }

    int number() {
        return number;
    }

    /** Tells the others that this claim is alive. */
    void beat() {
        // The last byte is written again: the file's server stamps it with its own clock, and no reader sees it change.
        try (FileChannel file = FileChannel.open(file(folder, number), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[] {'\n'}), file.size() - 1);
        } catch (NoSuchFileException e) {
            // The folder was deleted under us: lost() says so.
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file(folder, number), e);
        }
    }

    /** Whether another has taken over, or the folder is gone. */
    boolean lost() {
        return !Files.exists(file(folder, number)) || Files.exists(file(folder, number + 1));
    }

    /** Lets others have the folder. */
    @Override
    public void close() {
        try {
            if (Files.exists(file(folder, number))) {
                Files.write(folder.resolve(PREFIX + number + RELEASED), List.of());
            }
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
    }

    private static Path file(Path folder, int number) {
        return folder.resolve(PREFIX + number);
    }

    static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown host";
        }
    }
}
