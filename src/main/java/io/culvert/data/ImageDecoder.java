package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.device.cpu.LeptonicaDecoder;
import io.culvert.device.cpu.RgbImage;
import io.culvert.device.cpu.UndecodableException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Decodes image files to RGB bytes off the heap: PNG and JPEG natively, what the native decoder will not take (and
 * everything on a platform without it) through ImageIO. One per loader thread: the file's bytes go through a buffer
 * that is used again.
 */
public final class ImageDecoder implements Decoder {
    private static final long SMALLEST_BUFFER = 1 << 16;

    private final LeptonicaDecoder leptonica;
    private Arena arena = Arena.ofConfined();
    private MemorySegment buffer = MemorySegment.NULL;

    public ImageDecoder() {
        leptonica = nativeDecoder();
    }

    /**
     * Decodes one file.
     *
     * @param into takes the pixels {@code [H, W, 3]} and is resized to them
     * @throws CulvertException of kind DATA, naming the file, if it is missing, unreadable, truncated or no image
     */
    @Override
    public void decode(Path file, RgbImage into) {
        MemorySegment encoded = read(file);
        if (leptonica == null) {
            FallbackDecoder.decode(file, encoded, into);
            return;
        }
        try {
            leptonica.decode(encoded, into);
        } catch (UndecodableException e) {
            if (!e.worthAnotherDecoder()) {
                throw CulvertException.data(e, "image %s %s", file, e.getMessage());
            }
            FallbackDecoder.decode(file, encoded, into);
        }
    }

    /** The file's bytes, valid until the next call. */
    private MemorySegment read(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size == 0) {
                throw CulvertException.data("image %s is empty", file);
            }
            MemorySegment bytes = ensure(size).asSlice(0, size);
            ByteBuffer view = bytes.asByteBuffer();
            while (view.hasRemaining()) {
                if (channel.read(view) < 0) {
                    throw CulvertException.data("image %s became shorter while it was read", file);
                }
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw CulvertException.data(e, "image %s does not exist", file);
        } catch (IOException e) {
            String reason = Files.isDirectory(file) ? "it is a folder" : e.getMessage();
            throw CulvertException.data(e, "image %s cannot be read: %s", file, reason);
        }
    }

    private MemorySegment ensure(long size) {
        if (buffer.byteSize() < size) {
            arena.close();
            arena = Arena.ofConfined();
            buffer = arena.allocate(Math.max(SMALLEST_BUFFER, Long.highestOneBit(size) * 2), Long.BYTES);
        }
        return buffer;
    }

    /** Null on a platform without the native decoder: ImageIO reads the same files there, only slower. */
    private static LeptonicaDecoder nativeDecoder() {
        return LeptonicaDecoder.isSupported() ? new LeptonicaDecoder() : null;
    }

    @Override
    public void close() {
        arena.close();
        if (leptonica != null) {
            leptonica.close();
        }
    }
}
