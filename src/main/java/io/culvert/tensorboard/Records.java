package io.culvert.tensorboard;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * TFRecord's framing: {@code length (8 bytes), masked crc32c of the length, data, masked crc32c of the data}, little-endian.
 * The mask turns the checksum by 15 bits and adds a constant, for checksums of data that holds checksums.
 */
final class Records {
    private static final int HEADER = Long.BYTES + Integer.BYTES;
    private static final int FOOTER = Integer.BYTES;
    private static final int MASK_DELTA = 0xa282ead8;

    private Records() {}

    /**
     * A record that was read.
     *
     * @param begin where its frame begins
     * @param end behind its frame
     */
    record Stored(byte[] data, long begin, long end) {}

    static byte[] frame(byte[] data) {
        ByteBuffer frame = ByteBuffer.allocate(HEADER + data.length + FOOTER).order(ByteOrder.LITTLE_ENDIAN);
        frame.putLong(data.length);
        frame.putInt(maskedCrc(frame.array(), 0, Long.BYTES));
        frame.put(data);
        frame.putInt(maskedCrc(data, 0, data.length));
        return frame.array();
    }

    static int maskedCrc(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
    }

    /** The records of a file up to its end, or to the first that is torn or damaged. */
    static List<Stored> read(byte[] file) {
        List<Stored> records = new ArrayList<>();
        ByteBuffer from = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        while (from.remaining() >= HEADER + FOOTER) {
            int begin = from.position();
            long length = from.getLong();
            int crc = from.getInt();
            if (crc != maskedCrc(file, begin, Long.BYTES) || length < 0 || length > from.remaining() - FOOTER) {
                break;
            }
            byte[] data = new byte[(int) length];
            from.get(data);
            if (from.getInt() != maskedCrc(data, 0, data.length)) {
                break;
            }
            records.add(new Stored(data, begin, from.position()));
        }
        return records;
    }
}
