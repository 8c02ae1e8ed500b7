package io.culvert.device.cpu;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Sums over the rows of a matrix, for gradients of biases and gains: in single precision over {@link #TILE} rows, which the
 * caller adds to {@link #recent}, in double precision over tiles and workers. The order is fixed by the rows and the
 * number of threads.
 */
public final class ColumnTotals {
    /** Rows after which {@link #flush} must be called. */
    public static final int TILE = 64;

    private final Workers workers;
    private final int width;
    private final float[][] recent;
    private final double[][] total;
    private final Workers.Range task = this::addRows;
    private MemorySegment matrix;

    public ColumnTotals(Workers workers, int width) {
        this.workers = workers;
        this.width = width;
        recent = new float[workers.threads()][width];
        total = new double[workers.threads()][width];
    }

    /** Starts new sums. */
    public void clear() {
        for (int worker = 0; worker < total.length; worker++) {
            Arrays.fill(total[worker], 0);
            Arrays.fill(recent[worker], 0);
        }
    }

    /** What the worker has added since the last flush, a float a column. */
    public float[] recent(int worker) {
        return recent[worker];
    }

    public void flush(int worker) {
        float[] from = recent[worker];
        double[] to = total[worker];
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

    private void addRows(int worker, int from, int to) {
        for (int tile = from; tile < to; tile += TILE) {
            for (int row = tile; row < Math.min(to, tile + TILE); row++) {
                addRow(matrix, (long) row * width, worker);
            }
            flush(worker);
        }
    }

    /** Adds a row that starts at element {@code at} to the worker's sums. */
    public void addRow(MemorySegment from, long at, int worker) {
        float[] sum = recent[worker];
        int c = 0;
        for (; c + LANES <= width; c += LANES) {
            FloatVector.fromArray(F, sum, c).add(Simd.load(from, at + c)).intoArray(sum, c);
        }
        for (; c < width; c++) {
            sum[c] += Simd.get(from, at + c);
        }
    }
}
