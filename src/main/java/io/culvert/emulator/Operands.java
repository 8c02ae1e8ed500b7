package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.culvert.emulator.ptx.DeviceMemory;
import java.lang.foreign.MemorySegment;

/** The operands of a library call, each checked before it is touched: in bounds of one allocation, aligned, written before read. */
final class Operands {
    private final DeviceMemory memory;
    private final String call;

    Operands(DeviceMemory memory, String call) {
        this.memory = memory;
        this.call = call;
    }

    /** How the elements of an operand lie in memory. */
    enum Type {
        FLOAT(Float.BYTES),
        BFLOAT16(Short.BYTES);

        final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }
    }

    /** An operand that is written whole, element by element; what was there can be read before. */
    record Output(MemorySegment memory, Type type) {
        float get(long i) {
            return type == Type.FLOAT
                    ? memory.getAtIndex(JAVA_FLOAT, i)
                    : Float.intBitsToFloat(memory.getAtIndex(JAVA_SHORT, i) << 16);
        }

        void set(long i, double value) {
            if (type == Type.FLOAT) {
                memory.setAtIndex(JAVA_FLOAT, i, (float) value);
            } else {
                memory.setAtIndex(JAVA_SHORT, i, (short) (rounded((float) value, 16) >>> 16));
            }
        }
    }

    /** The bits of a float without its last {@code drop} ones, to the nearest, ties to even. */
    static int rounded(float value, int drop) {
        int bits = Float.floatToRawIntBits(value);
        if (!Float.isFinite(value)) {
            return bits;
        }
        return (bits + (1 << drop - 1) - 1 + (bits >>> drop & 1)) & -1 << drop;
    }

    /** The floats of an operand that is read. */
    float[] read(String operand, long address, long count) {
        return read(operand, address, count, Type.FLOAT);
    }

    /** The values of an operand that is read. */
    float[] read(String operand, long address, long count, Type type) {
        MemorySegment segment = segment(operand, address, count, type);
        long unwritten = memory.firstUnwritten(address, count * type.bytes);
        if (unwritten >= 0) {
            throw new SimulatedError(
                    SimulatedDriver.ILLEGAL_ADDRESS,
                    "%s reads %s, whose element %d nothing has written",
                    call,
                    operand,
                    (unwritten - address) / type.bytes);
        }
        float[] values = new float[Math.toIntExact(count)];
        Output stored = new Output(segment, type);
        for (int i = 0; i < values.length; i++) {
            values[i] = stored.get(i);
        }
        return values;
    }

    /** A copy of the bytes of an operand that is read. */
    MemorySegment readBytes(String operand, long address, long bytes) {
        MemorySegment segment = bytes(operand, address, bytes);
        long unwritten = memory.firstUnwritten(address, bytes);
        if (unwritten >= 0) {
            throw new SimulatedError(
                    SimulatedDriver.ILLEGAL_ADDRESS, "%s reads %s, whose byte %d nothing has written", call, operand,
                    unwritten - address);
        }
        return MemorySegment.ofArray(segment.toArray(JAVA_BYTE));
    }

    /** The bytes of an operand that is written whole. */
    MemorySegment writeBytes(String operand, long address, long bytes) {
        MemorySegment segment = bytes(operand, address, bytes);
        memory.markWritten(address, bytes);
        return segment;
    }

    /** The memory of an operand that is written whole. */
    Output write(String operand, long address, long count, Type type) {
        MemorySegment segment = segment(operand, address, count, type);
        memory.markWritten(address, count * type.bytes);
        return new Output(segment, type);
    }

    private MemorySegment segment(String operand, long address, long count, Type type) {
        if (address % type.bytes != 0) {
            throw new SimulatedError(SimulatedDriver.ILLEGAL_ADDRESS, "%s: %s at 0x%x is misaligned", call, operand, address);
        }
        return bytes(operand, address, count * type.bytes);
    }

    private MemorySegment bytes(String operand, long address, long bytes) {
        try {
            return memory.segment(address, bytes);
        } catch (IllegalArgumentException e) {
            throw new SimulatedError(SimulatedDriver.ILLEGAL_ADDRESS, "%s: %s: %s", call, operand, e.getMessage());
        }
    }
}
