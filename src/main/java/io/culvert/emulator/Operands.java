package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.culvert.emulator.ptx.DeviceMemory;
import java.lang.foreign.MemorySegment;

/** The operands of a library call, each checked before it is touched: in bounds of one allocation, aligned, written before read. */
final class Operands {
    private static final int ALIGNMENT = 4;

    private final DeviceMemory memory;
    private final String call;

    Operands(DeviceMemory memory, String call) {
        this.memory = memory;
        this.call = call;
    }

    /** The floats of an operand that is read. */
    float[] read(String operand, long address, long count) {
        MemorySegment segment = segment(operand, address, count);
        long unwritten = memory.firstUnwritten(address, count * Float.BYTES);
        if (unwritten >= 0) {
            throw new SimulatedError(
                    SimulatedDriver.ILLEGAL_ADDRESS,
                    "%s reads %s, whose element %d nothing has written",
                    call,
                    operand,
                    (unwritten - address) / Float.BYTES);
        }
        return segment.toArray(JAVA_FLOAT);
    }

    /** The memory of an operand that is written whole. */
    MemorySegment write(String operand, long address, long count) {
        MemorySegment segment = segment(operand, address, count);
        memory.markWritten(address, count * Float.BYTES);
        return segment;
    }

    private MemorySegment segment(String operand, long address, long count) {
        if (address % ALIGNMENT != 0) {
            throw new SimulatedError(SimulatedDriver.ILLEGAL_ADDRESS, "%s: %s at 0x%x is misaligned", call, operand, address);
        }
        try {
            return memory.segment(address, count * Float.BYTES);
        } catch (IllegalArgumentException e) {
            throw new SimulatedError(SimulatedDriver.ILLEGAL_ADDRESS, "%s: %s: %s", call, operand, e.getMessage());
        }
    }
}
