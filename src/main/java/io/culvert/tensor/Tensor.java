package io.culvert.tensor;

import io.culvert.device.Buffer;
import io.culvert.device.Group;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A named, typed, shaped view of device memory, innermost axis contiguous. A tensor owns nothing: a {@link Buffer} of
 * the run or of the step does. It is described when a tape records it and bound to its address once, when the tape is
 * compiled; the address never changes afterwards, so a step creates no objects and can be replayed as it stands.
 */
public final class Tensor {
    private final String name;
    private final Shape shape;
    private final DType dtype;
    private Buffer buffer;
    private long offset;
    private MemorySegment data;
    private String releasedBy;

    public Tensor(String name, Shape shape, DType dtype) {
        this.name = name;
        this.shape = shape;
        this.dtype = dtype;
    }

    public static Tensor f32(String name, int... extents) {
        return new Tensor(name, Shape.of(extents), DType.F32);
    }

    public String name() {
        return name;
    }

    public Shape shape() {
        return shape;
    }

    public DType dtype() {
        return dtype;
    }

    public long bytes() {
        return shape.count() * dtype.bytes;
    }

    /** Places this tensor at {@code offset} bytes of {@code buffer}, for good. */
    public void bind(Buffer buffer, long offset) {
        if (isBound()) {
            throw new IllegalStateException(this + " is already bound");
        }
        this.buffer = buffer;
        this.offset = offset;
        data = buffer.onHost() ? buffer.slice(offset, bytes()) : null;
    }

    /**
     * Gives an input of the step its values. Where kernels read host memory the tensor is pointed at {@code memory}, such
     * as the loader's next buffer, so that nothing is copied: what consumes such a tensor must look its address up at every
     * step, as convolutions and losses do. On other devices the values are copied to where the tensor is bound.
     */
    public void feed(MemorySegment memory) {
        if (memory.byteSize() != bytes()) {
            throw new IllegalArgumentException(this + " takes " + bytes() + " bytes, got " + memory.byteSize());
        }
        if (buffer == null || buffer.onHost()) {
            data = memory;
        } else {
            buffer.write(offset, memory);
        }
    }

    /** Copies the values from host memory to where the tensor is bound; creates nothing. */
    public void copyFrom(MemorySegment memory) {
        if (memory.byteSize() != bytes()) {
            throw new IllegalArgumentException(this + " takes " + bytes() + " bytes, got " + memory.byteSize());
        }
        requireBound();
        buffer.write(offset, memory);
    }

    /** Copies the values to host memory, after all work that was given to the device before. */
    public void copyTo(MemorySegment memory) {
        if (memory.byteSize() != bytes()) {
            throw new IllegalArgumentException(this + " gives " + bytes() + " bytes, not " + memory.byteSize());
        }
        if (data != null) {
            memory.copyFrom(data);
            return;
        }
        requireBound();
        buffer.read(offset, memory);
    }

    /** What it is bound to. */
    public Buffer buffer() {
        requireBound();
        return buffer;
    }

    /** Bytes before it in {@link #buffer}. */
    public long offset() {
        return offset;
    }

    /** Puts the mean over all ranks in the place of the values, in order with the device's work. */
    public void average(Group group) {
        group.average(buffer(), offset, bytes());
    }

    public boolean isBound() {
        return data != null || buffer != null;
    }

    /** The memory that the CPU's kernels read and write; throws if it is another device's. */
    public MemorySegment data() {
        if (data == null) {
            requireBound();
            return buffer.slice(offset, bytes());
        }
        return data;
    }

    /** Where the values are, in the address space of their device. */
    public long address() {
        if (data != null) {
            return data.address();
        }
        requireBound();
        return buffer.address() + offset;
    }

    private void requireBound() {
        if (!isBound()) {
            throw new IllegalStateException(this + " has no memory yet: compile its tape or allocate its slab first");
        }
    }

    /** Told by the step's planner: from the named operation on, the memory belongs to other tensors. */
    public void markReleased(String by) {
        releasedBy = by;
    }

    /** A copy of the values on the Java heap: for tests, reports and checkpoints, never in a step. */
    public float[] toFloats() {
        requireAlive();
        return peek();
    }

    /** As {@link #toFloats()}, of {@code count} elements from {@code first} on; only those are copied. */
    public float[] toFloats(long first, int count) {
        if (first < 0 || count < 0 || first + count > shape.count()) {
            throw new IndexOutOfBoundsException(this + ": elements " + first + " to " + (first + count));
        }
        requireAlive();
        if (data != null) {
            return floats(data.asSlice(first * dtype.bytes, (long) count * dtype.bytes));
        }
        return read(first, count);
    }

    /** As {@link #toFloats()}, for who knows that no later operation wrote here, whatever the plan says. */
    public float[] peek() {
        if (data != null) {
            return floats(data);
        }
        return read(0, shape.count());
    }

    private float[] read(long first, long count) {
        requireBound();
        try (Arena call = Arena.ofConfined()) {
            MemorySegment host = call.allocate(count * dtype.bytes, ValueLayout.JAVA_LONG.byteAlignment());
            buffer.read(offset + first * dtype.bytes, host);
            return floats(host);
        }
    }

    private float[] floats(MemorySegment memory) {
        if (dtype == DType.F32) {
            return memory.toArray(ValueLayout.JAVA_FLOAT);
        }
        short[] halves = requireBf16(memory).toArray(ValueLayout.JAVA_SHORT);
        float[] values = new float[halves.length];
        for (int i = 0; i < halves.length; i++) {
            values[i] = DType.fromBf16(halves[i]);
        }
        return values;
    }

    private MemorySegment requireBf16(MemorySegment memory) {
        if (dtype != DType.BF16) {
            throw new IllegalStateException(this + " does not hold floats");
        }
        return memory;
    }

    /** The value of a tensor of one element: waits for the device to have computed it. */
    public float item() {
        if (dtype != DType.F32 || buffer == null) {
            return peek()[0];
        }
        return buffer.readFloat(offset);
    }

    /** Throws when the step's plan hands this memory to another tensor before the step ends. */
    private void requireAlive() {
        if (releasedBy != null) {
            throw new IllegalStateException(this + " does not outlive " + releasedBy
                    + ", which is the last operation to use it: Tape.keep it before compiling to read it");
        }
    }

    /** Overwrites the values from the Java heap. */
    public void set(float... values) {
        if (values.length != shape.count()) {
            throw new IllegalArgumentException(this + " takes " + shape.count() + " values, got " + values.length);
        }
        if (data != null) {
            put(values, data);
            return;
        }
        requireBound();
        try (Arena call = Arena.ofConfined()) {
            MemorySegment host = call.allocate(bytes(), ValueLayout.JAVA_LONG.byteAlignment());
            put(values, host);
            buffer.write(offset, host);
        }
    }

    private void put(float[] values, MemorySegment to) {
        if (dtype == DType.F32) {
            MemorySegment.copy(values, 0, to, ValueLayout.JAVA_FLOAT, 0, values.length);
            return;
        }
        requireBf16(to);
        for (int i = 0; i < values.length; i++) {
            to.setAtIndex(ValueLayout.JAVA_SHORT, i, DType.toBf16(values[i]));
        }
    }

    /** As {@link #set}, for integers. */
    public void setInts(int... values) {
        if (dtype != DType.I32 || values.length != shape.count()) {
            throw new IllegalArgumentException(this + " does not take " + values.length + " integers");
        }
        if (data != null) {
            MemorySegment.copy(values, 0, data, ValueLayout.JAVA_INT, 0, values.length);
            return;
        }
        requireBound();
        try (Arena call = Arena.ofConfined()) {
            buffer.write(offset, call.allocateFrom(ValueLayout.JAVA_INT, values));
        }
    }

    @Override
    public String toString() {
        return name + " " + dtype + " " + shape;
    }
}
