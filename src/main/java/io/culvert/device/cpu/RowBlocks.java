package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;

/** The rows of a matrix in slices of one length, the last perhaps shorter: made once, for a step must not allocate. */
public final class RowBlocks {
    private final int rows;
    private final int block;
    private final MemorySegment[] slices;
    private MemorySegment whole;

    public RowBlocks(int rows, int block) {
        this.rows = rows;
        this.block = block;
        slices = new MemorySegment[(rows + block - 1) / block];
    }

    /** Says where the matrix lies; cuts it anew when that has changed. By one thread, before others take slices. */
    public void of(MemorySegment matrix) {
        if (whole != null && matrix.address() == whole.address()) {
            return;
        }
        whole = matrix;
        long bytes = matrix.byteSize() / rows * block;
        for (int i = 0; i < slices.length; i++) {
            slices[i] = matrix.asSlice(i * bytes, Math.min(bytes, matrix.byteSize() - i * bytes));
        }
    }

    public int count() {
        return slices.length;
    }

    /** A slice, or null of no matrix yet. */
    public MemorySegment at(int index) {
        return slices[index];
    }

    /** Rows of a slice. */
    public int rows(int index) {
        return Math.min(block, rows - index * block);
    }
}
