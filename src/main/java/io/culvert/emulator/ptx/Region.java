package io.culvert.emulator.ptx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A range of simulated memory with a shadow that knows which bytes were ever written. Little-endian, as GPUs are. */
final class Region {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** NaN in every floating-point format when repeated. */
    static final byte FRESH = (byte) 0xff;

    final String label;
    final MemorySegment data;
    final long base;
    final long size;
    final boolean readOnly;

    /** One bit a byte; null where initialisation is not tracked. */
    private final long[] written;

    Region(String label, MemorySegment data, long base, boolean tracked, boolean readOnly) {
        this.label = label;
        this.data = data;
        this.base = base;
        this.size = data.byteSize();
        this.readOnly = readOnly;
        written = tracked ? new long[Math.toIntExact((size + 63) / 64)] : null;
    }

    boolean contains(long address, long bytes) {
        long offset = address - base;
        return offset >= 0 && offset <= size - bytes;
    }

    /** The 1, 2, 4 or 8 bytes at {@code offset}, zero-extended. */
    long load(long offset, int bytes) {
        return switch (bytes) {
            case 4 -> data.get(INT, offset) & 0xffffffffL;
            case 8 -> data.get(LONG, offset);
            case 2 -> data.get(SHORT, offset) & 0xffffL;
            default -> data.get(JAVA_BYTE, offset) & 0xffL;
        };
    }

    int loadInt(long offset) {
        return data.get(INT, offset);
    }

    void store(long offset, int bytes, long value) {
        switch (bytes) {
            case 4 -> data.set(INT, offset, (int) value);
            case 8 -> data.set(LONG, offset, value);
            case 2 -> data.set(SHORT, offset, (short) value);
            default -> data.set(JAVA_BYTE, offset, (byte) value);
        }
        if (written != null) {
            written[(int) (offset >>> 6)] |= bits(bytes) << offset;
        }
    }

    /** Whether all of an aligned group of at most 16 bytes was written. */
    boolean isWritten(long offset, int bytes) {
        if (written == null) {
            return true;
        }
        long bits = bits(bytes);
        return (written[(int) (offset >>> 6)] >>> offset & bits) == bits;
    }

    private static long bits(int bytes) {
        return (1L << bytes) - 1;
    }

    void markWritten(long offset, long bytes) {
        if (written == null || bytes == 0) {
            return;
        }
        int first = (int) (offset >>> 6);
        int last = (int) (offset + bytes - 1 >>> 6);
        long head = -1L << offset;
        long tail = -1L >>> 63 - (offset + bytes - 1 & 63);
        if (first == last) {
            written[first] |= head & tail;
            return;
        }
        written[first] |= head;
        Arrays.fill(written, first + 1, last, -1L);
        written[last] |= tail;
    }

    /** Offset of the first byte of the range that was never written, or -1. */
    long firstUnwritten(long offset, long bytes) {
        for (long at = offset; at < offset + bytes; at++) {
            if ((at & 63) == 0 && at + 64 <= offset + bytes && written != null && written[(int) (at >>> 6)] == -1L) {
                at += 63;
            } else if (!isWritten(at, 1)) {
                return at;
            }
        }
        return -1;
    }

    /** Forgets all contents. */
    void clear() {
        data.fill(FRESH);
        if (written != null) {
            Arrays.fill(written, 0);
        }
    }
}
