package io.culvert.device.cpu;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Sums over the rows of a matrix, for gradients of biases and gains: in single precision over {@link #TILE} rows, which the
 * caller adds to {@link #recent}, in double precision over tiles and pieces. The order is fixed by the rows and the
 * number of threads.
 */
public final class ColumnTotals {
    /** Rows after which {@link #flush} must be called. */
    public static final int TILE = 64;

    private final Workers workers;
    private final int width;
    private final float[][] recent;
    private final double[][] total;
    private final Workers.Piece task = this::addRows;
    private MemorySegment matrix;

    public ColumnTotals(Workers workers, int width) {
        this.workers = workers;
        this.width = width;
        recent = new float[workers.threads()][width];
        total = new double[workers.pieces()][width];
    }

    /** Starts new sums. */
    public void clear() {
        for (double[] part : total) {
            Arrays.fill(part, 0);
        }
        for (float[] part : recent) {
            Arrays.fill(part, 0);
        }
    }

    /** What the worker has added since the last flush, a float a column. */
    public float[] recent(int worker) {
        return recent[worker];
    }

    /** Moves it to the sums of a piece. */
    public void flush(int worker, int piece) {
        float[] from = recent[worker];
        double[] to = total[piece];
        for (int c = 0; c < width; c++) {
            to[c] += from[c];
            from[c] = 0;
        }
    }

    /** {@code gradient += sums}. */
    public void addTo(MemorySegment gradient) {
        for (int c = 0; c < width; c++) {
            double sum = Simd.get(gradient, c);
            for (double[] part : total) {
                sum += part[c];
            }
            Simd.set(gradient, c, (float) sum);
        }
    }

    /** {@code gradient += sum over the rows of matrix}. */
    public void addRows(MemorySegment matrix, int rows, MemorySegment gradient) {
        clear();
        this.matrix = matrix;
        workers.run(rows, TILE, task);
        addTo(gradient);
    }

    private void addRows(int worker, int piece, int from, int to) {
        for (int tile = from; tile < to; tile += TILE) {
            for (int row = tile; row < Math.min(to, tile + TILE); row++) {
                addRow(matrix, (long) row * width, worker);
            }
            flush(worker, piece);
        }
    }

    /** Adds a row that starts at element {@code at} to the worker's sums. */
    public void addRow(MemorySegment from, long at, int worker) {
        float[] sum = recent[worker];
        int c = 0;
        for (; c + LANES <= width; c += LANES) {
            FloatVector.fromArray(F, sum, c).add(FloatVector.fromMemorySegment(F, from, (at + c) * BYTES, NATIVE)).intoArray(sum, c);
        }
        for (; c < width; c++) {
            sum[c] += Simd.get(from, at + c);
        }
    }
}
