package io.culvert.bindings.load;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.ZipEntry;

/**
 * Shared libraries inside jars, copied once into the user's cache folder. The folder's name holds each file's checksum
 * (the jar's own CRC, so that nothing is read to find it), a copy appears under its name only when whole, and a copy of
 * the wrong length is replaced: any number of processes may start at once, or be killed.
 */
final class JarNatives {
    private static final int CHUNK = 1 << 20;

    private final Surroundings surroundings;

    JarNatives(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /**
     * The folder that holds the artifact's libraries, unpacked now if need be.
     *
     * @return null if the class path has no such jar
     * @throws IOException if the copy cannot be written
     */
    Path folder(Jar jar) throws IOException {
        String inside = jar.folder(surroundings.platform());
        URL first = surroundings.classLoader().getResource(inside + jar.files().get(0));
        if (first == null) {
            return null;
        }
        if (!first.getProtocol().equals("jar")) {
            return fileOf(first).getParent();
        }
        Path folder = surroundings.cache().resolve("natives").resolve(jar.artifact() + "-" + fingerprint(jar, inside));
        for (String file : jar.files()) {
            unpack(resource(inside + file), folder.resolve(file));
        }
        return folder;
    }

    private String fingerprint(Jar jar, String inside) throws IOException {
        StringBuilder crcs = new StringBuilder();
        for (String file : jar.files()) {
            crcs.append(crcs.isEmpty() ? "" : "-").append("%08x".formatted(entry(resource(inside + file)).getCrc()));
        }
        return crcs.toString();
    }

    private URL resource(String name) throws IOException {
        URL url = surroundings.classLoader().getResource(name);
        if (url == null) {
            throw new IOException("the jar lacks " + name);
        }
        return url;
    }

    private static ZipEntry entry(URL resource) throws IOException {
        return ((JarURLConnection) resource.openConnection()).getJarEntry();
    }

    private static void unpack(URL resource, Path target) throws IOException {
        long size = entry(resource).getSize();
        if (Files.isRegularFile(target) && Files.size(target) == size) {
            return;
        }
        Files.createDirectories(target.getParent());
        Path part = Files.createTempFile(target.getParent(), target.getFileName() + ".", ".part");
        try {
            copy(resource, part);
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static void copy(URL resource, Path part) throws IOException {
        try (InputStream stream = resource.openStream();
                ReadableByteChannel in = Channels.newChannel(stream);
                FileChannel out = FileChannel.open(part, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
            while (in.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    out.write(buffer);
                }
                buffer.clear();
            }
            out.force(true);
        }
    }

    private static Path fileOf(URL url) throws IOException {
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
