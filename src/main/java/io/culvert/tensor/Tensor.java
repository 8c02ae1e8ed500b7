package io.culvert.tensor;

import io.culvert.device.Buffer;
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
        if (data != null) {
            throw new IllegalStateException(this + " is already bound");
        }
        data = buffer.slice(offset, bytes());
    }

    /**
     * Points an input of the step at other memory of the same size, such as the loader's next buffer, so that nothing
     * is copied. Only convolutions may consume such a tensor: they look its address up at every step.
     */
    public void rebind(MemorySegment memory) {
        if (memory.byteSize() != bytes()) {
            throw new IllegalArgumentException(this + " takes " + bytes() + " bytes, got " + memory.byteSize());
        }
        data = memory;
    }

    public boolean isBound() {
        return data != null;
    }

    /**
     * The memory that kernels read and write. Host code that wants values should call {@link #read()}, which refuses
     * memory that later operations of the step have taken over.
     */
    public MemorySegment data() {
        if (data == null) {
            throw new IllegalStateException(this + " has no memory yet: compile its tape or allocate its slab first");
        }
        return data;
    }

    public long address() {
        return data().address();
    }

    /** Told by the step's planner: from the named operation on, the memory belongs to other tensors. */
    public void markReleased(String by) {
        releasedBy = by;
    }

    /** The values as host memory; throws when the step's plan hands this memory to another tensor before it ends. */
    public MemorySegment read() {
        if (releasedBy != null) {
            throw new IllegalStateException(this + " does not outlive " + releasedBy
                    + ", which is the last operation to use it: Tape.keep it before compiling to read it");
        }
        return data();
    }

    /** A copy of the values on the Java heap: for tests, reports and checkpoints, never in a step. */
    public float[] toFloats() {
        return read().toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Overwrites the values from the Java heap. */
    public void set(float... values) {
        if (values.length != shape.count()) {
            throw new IllegalArgumentException(this + " takes " + shape.count() + " values, got " + values.length);
        }
        MemorySegment.copy(values, 0, data(), ValueLayout.JAVA_FLOAT, 0, values.length);
    }

    @Override
    public String toString() {
        return name + " " + dtype + " " + shape;
    }
}
