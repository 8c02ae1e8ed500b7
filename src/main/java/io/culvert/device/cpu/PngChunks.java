package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/**
 * The chunks of a PNG file (W3C PNG, section 5.3: length, type, body, CRC). libpng's simplified API stops at the last
 * row of pixels, so that what follows is looked at here: the checksum of the last image data and the end itself.
 */
final class PngChunks {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int SIGNATURE = 8;
    private static final int LENGTH_AND_TYPE = 8;
    private static final int CRC = 4;
    private static final int GAMMA = 0x67414d41;
    private static final int IMAGE_DATA = 0x49444154;
    private static final int END = 0x49454e44;
    /** The gamma of sRGB, 1/2.2, in the file's units of 1e-5. */
    private static final int SRGB_GAMMA = 45455;

    private final CRC32 crc = new CRC32();
    private boolean plainGamma;

    /**
     * Walks the chunks from the first to the last.
     *
     * @throws UndecodableException if one is cut short, the image data's checksum is wrong, or the end is missing
     */
    void check(MemorySegment encoded) throws UndecodableException {
        plainGamma = true;
        ByteBuffer bytes = encoded.asByteBuffer();
        int type = 0;
        for (long at = SIGNATURE; type != END; ) {
            long body = at + LENGTH_AND_TYPE;
            if (body + CRC > encoded.byteSize()) {
                throw new UndecodableException("is a truncated PNG image (no end chunk)", false);
            }
            long end = body + Integer.toUnsignedLong(encoded.get(INT, at));
            type = encoded.get(INT, at + Integer.BYTES);
            if (end + CRC > encoded.byteSize()) {
                throw new UndecodableException("is a truncated PNG image (a chunk is cut short)", false);
            }
            if (type == IMAGE_DATA) {
                checkSum(bytes.limit((int) end).position((int) at + Integer.BYTES), encoded.get(INT, end));
                bytes.clear();
            } else if (type == GAMMA && end - body == Integer.BYTES) {
                plainGamma = encoded.get(INT, body) == SRGB_GAMMA;
            }
            at = end + CRC;
        }
    }

    /**
     * Whether the simplified API leaves the file's values alone: it converts those of a file whose {@code gAMA} chunk
     * differs from sRGB, while training wants what is stored (as PIL and torchvision give it).
     */
    boolean plainGamma() {
        return plainGamma;
    }

    private void checkSum(ByteBuffer typeAndBody, int expected) throws UndecodableException {
        crc.reset();
        crc.update(typeAndBody);
        if ((int) crc.getValue() != expected) {
            throw new UndecodableException("is a damaged PNG image (wrong checksum of the image data)", false);
        }
    }
}
