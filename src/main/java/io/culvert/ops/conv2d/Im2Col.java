package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;

/**
 * Lays out, for a slice of output pixels, the input pixels that each one saw: {@code columns[row, (kh, kw, in)]}, zero
 * where the window hangs over the edge. In a channels-last image one kernel row of a window is one contiguous run.
 */
final class Im2Col {
    /** Big enough for an efficient matrix product (4 MiB is a tenth slower), small enough for the last-level cache. */
    private static final long SLICE_BYTES = 16 << 20;

    private final ConvGeometry g;
    private final Workers workers;
    private final MemorySegment scratch;
    private final int sliceRows;
    private final boolean trivial;
    private final Workers.Range task = this::copyRows;
    private MemorySegment x;
    private int firstRow;

    Im2Col(CpuDevice cpu, ConvGeometry geometry) {
        g = geometry;
        workers = cpu.workers();
        long rowBytes = (long) g.taps() * Float.BYTES;
        trivial = g.kernel() == 1 && g.stride() == 1 && g.padding() == 0;
        sliceRows = trivial ? g.rows() : (int) Math.clamp(SLICE_BYTES / rowBytes, 1, g.rows());
        scratch = trivial ? null : cpu.scratch(Math.max(SLICE_BYTES, rowBytes));
    }

    /** How many output pixels one slice holds. */
    int sliceRows() {
        return sliceRows;
    }

    /** The columns of {@code rows} output pixels from {@code first}; valid until the next call. */
    MemorySegment columns(MemorySegment x, int first, int rows) {
        if (trivial) {
            return x; // one slice holds all
        }
        this.x = x;
        firstRow = first;
        workers.run(rows, 16, task);
        return scratch;
    }

    private void copyRows(int worker, int from, int to) {
        long rowBytes = (long) g.taps() * Float.BYTES;
        int width = g.outWidth();
        int height = g.outHeight();
        for (int row = from; row < to; row++) {
            int pixel = firstRow + row;
            int left = pixel % width * g.stride() - g.padding();
            int top = pixel / width % height * g.stride() - g.padding();
            copyWindow(pixel / width / height, top, left, row * rowBytes);
        }
    }

    private void copyWindow(int n, int top, int left, long to) {
        long pixelBytes = (long) g.in() * Float.BYTES;
        long runBytes = g.kernel() * pixelBytes;
        int firstColumn = Math.max(0, -left);
        int lastColumn = Math.min(g.kernel(), g.width() - left);
        boolean inside = firstColumn == 0 && lastColumn == g.kernel();
        for (int kh = 0; kh < g.kernel(); kh++) {
            int h = top + kh;
            long run = to + kh * runBytes;
            boolean row = h >= 0 && h < g.height() && firstColumn < lastColumn;
            if (!row || !inside) {
                scratch.asSlice(run, runBytes).fill((byte) 0);
            }
            if (row) {
                long source = (((long) n * g.height() + h) * g.width() + left + firstColumn) * pixelBytes;
                long bytes = (lastColumn - firstColumn) * pixelBytes;
                MemorySegment.copy(x, source, scratch, run + firstColumn * pixelBytes, bytes);
            }
        }
    }
}
