package io.culvert.device.cpu;

import static io.culvert.bindings.leptonica.leptonica_h.L_SEVERITY_NONE;
import static io.culvert.bindings.leptonica.leptonica_h.pixConvertTo32;
import static io.culvert.bindings.leptonica.leptonica_h.pixDestroy;
import static io.culvert.bindings.leptonica.leptonica_h.pixGetData;
import static io.culvert.bindings.leptonica.leptonica_h.pixGetDepth;
import static io.culvert.bindings.leptonica.leptonica_h.pixGetHeight;
import static io.culvert.bindings.leptonica.leptonica_h.pixGetWidth;
import static io.culvert.bindings.leptonica.leptonica_h.pixReadMemJpeg;
import static io.culvert.bindings.leptonica.leptonica_h.pixReadMemPng;
import static io.culvert.bindings.leptonica.leptonica_h.setMsgSeverity;

import io.culvert.CulvertException;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decodes JPEG and PNG bytes off the heap: JPEG through leptonica (libjpeg-turbo), PNG through the libpng inside the
 * same library. Pixels are the file's own: no gamma is applied, no orientation tag obeyed, alpha is dropped, grey gives
 * {@code R = G = B}. One per thread; different instances may decode at the same time.
 */
public final class LeptonicaDecoder implements AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment pixHandle = arena.allocate(ValueLayout.ADDRESS);
    private final PngChunks pngChunks = new PngChunks();
    private final PngReader png = new PngReader(arena);
    private final MemorySegment warnings = arena.allocate(ValueLayout.JAVA_INT);

    /**
     * Opens the library if that is not done.
     *
     * @throws CulvertException of kind DEVICE if it cannot be loaded
     */
    public LeptonicaDecoder() {
        try {
            NativeLibrary.LEPTONICA.open();
        } catch (NativeLibraryException e) {
            arena.close();
            throw CulvertException.device(e, "%s", e.getMessage());
        }
        Quiet.ensure();
    }

    /**
     * Whether this platform has the native decoder: false only where no build of it is offered.
     *
     * @throws CulvertException of kind DEVICE if the platform has one and it cannot be loaded
     */
    public static boolean isSupported() {
        try {
            NativeLibrary.LEPTONICA.open();
            return true;
        } catch (NativeLibraryException e) {
            if (NativeLibrary.platformHasNatives()) {
                throw CulvertException.device(e, "%s", e.getMessage());
            }
            return false;
        }
    }

    /** Whether the bytes begin as a JPEG file does. */
    public static boolean isJpeg(MemorySegment encoded) {
        return encoded.byteSize() > 3
                && (encoded.get(ValueLayout.JAVA_INT_UNALIGNED, 0) & 0xffffff) == 0xffd8ff;
    }

    /** Whether the bytes begin as a PNG file does. */
    public static boolean isPng(MemorySegment encoded) {
        return encoded.byteSize() > 8
                && encoded.get(ValueLayout.JAVA_LONG_UNALIGNED, 0) == 0x0a1a0a0d474e5089L;
    }

    /**
     * Decodes a whole image.
     *
     * @param encoded the bytes of a PNG or JPEG file, off the heap
     * @param into takes the pixels and is resized to them
     * @throws UndecodableException if the bytes are neither, are damaged or end early
     */
    public void decode(MemorySegment encoded, RgbImage into) throws UndecodableException {
        if (isJpeg(encoded)) {
            decodeJpeg(encoded, into);
        } else if (isPng(encoded)) {
            decodePng(encoded, into);
        } else {
            throw new UndecodableException("is neither a PNG nor a JPEG image", true);
        }
    }

    private void decodePng(MemorySegment encoded, RgbImage into) throws UndecodableException {
        pngChunks.check(encoded);
        if (pngChunks.plainGamma()) {
            png.read(encoded, into);
        } else {
            unpack(pixReadMemPng(encoded, encoded.byteSize()), "is a damaged PNG image", into);
        }
    }

    private void decodeJpeg(MemorySegment encoded, RgbImage into) throws UndecodableException {
        if (!endsWithMarker(encoded)) {
            throw new UndecodableException("is a truncated JPEG image (no end-of-image marker)", false);
        }
        unpack(pixReadMemJpeg(encoded, encoded.byteSize(), 0, 1, warnings, 0), "is a damaged JPEG image", into);
    }

    /** Whether an end-of-image marker is there; anything may follow it, as libjpeg allows. */
    private static boolean endsWithMarker(MemorySegment encoded) {
        for (long i = encoded.byteSize() - 2; i >= 2; i--) {
            if (encoded.get(ValueLayout.JAVA_BYTE, i) == (byte) 0xff
                    && encoded.get(ValueLayout.JAVA_BYTE, i + 1) == (byte) 0xd9) {
                return true;
            }
        }
        return false;
    }

    private void unpack(MemorySegment pix, String otherwise, RgbImage into) throws UndecodableException {
        if (pix.address() == 0) {
            throw new UndecodableException(otherwise, true);
        }
        MemorySegment colour = pix;
        try {
            colour = pixGetDepth(pix) == 32 ? pix : pixConvertTo32(pix);
            if (colour.address() == 0) {
                throw new UndecodableException("has a pixel format that leptonica cannot convert", true);
            }
            into.resize(pixGetHeight(colour), pixGetWidth(colour));
            long pixels = (long) into.height() * into.width();
            unpackWords(pixGetData(colour).reinterpret(pixels * Integer.BYTES), into.memory(), pixels);
        } finally {
            if (!colour.equals(pix)) {
                destroy(colour);
            }
            destroy(pix);
        }
    }

    /**
     * From leptonica's words {@code 0xRRGGBBAA} to packed bytes, four pixels to three words at a time. Rows of a 32-bit
     * pix have no padding.
     */
    private static void unpackWords(MemorySegment words, MemorySegment rgb, long pixels) {
        long whole = pixels & ~3L;
        for (long i = 0; i < whole; i += 4) {
            int p0 = Integer.reverseBytes(words.getAtIndex(ValueLayout.JAVA_INT, i)) & 0xffffff;
            int p1 = Integer.reverseBytes(words.getAtIndex(ValueLayout.JAVA_INT, i + 1)) & 0xffffff;
            int p2 = Integer.reverseBytes(words.getAtIndex(ValueLayout.JAVA_INT, i + 2)) & 0xffffff;
            int p3 = Integer.reverseBytes(words.getAtIndex(ValueLayout.JAVA_INT, i + 3)) & 0xffffff;
            rgb.set(ValueLayout.JAVA_INT, i * 3, p0 | p1 << 24);
            rgb.set(ValueLayout.JAVA_INT, i * 3 + 4, p1 >>> 8 | p2 << 16);
            rgb.set(ValueLayout.JAVA_INT, i * 3 + 8, p2 >>> 16 | p3 << 8);
        }
        for (long i = whole; i < pixels; i++) {
            int p = words.getAtIndex(ValueLayout.JAVA_INT, i);
            rgb.set(ValueLayout.JAVA_BYTE, i * 3, (byte) (p >>> 24));
            rgb.set(ValueLayout.JAVA_BYTE, i * 3 + 1, (byte) (p >>> 16));
            rgb.set(ValueLayout.JAVA_BYTE, i * 3 + 2, (byte) (p >>> 8));
        }
    }

    private void destroy(MemorySegment pix) {
        if (pix.address() != 0) {
            pixHandle.set(ValueLayout.ADDRESS, 0, pix);
            pixDestroy(pixHandle);
        }
    }

    @Override
    public void close() {
        arena.close();
    }

    /** The library reports by return value; its own messages on the terminal would only repeat that, without a file. */
    private static final class Quiet {
        static {
            setMsgSeverity(L_SEVERITY_NONE());
        }

        static void ensure() {}
    }
}
