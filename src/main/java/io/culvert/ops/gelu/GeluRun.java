package io.culvert.ops.gelu;

import static io.culvert.device.cpu.Simd.LANES;

import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.SharedMemory;
import io.culvert.device.cpu.Simd;
import java.lang.foreign.MemorySegment;

/** GELU of runs of elements of any length, and its gradients. One for each worker. */
public final class GeluRun {
    private static final long VECTOR = (long) LANES * Float.BYTES;

    /** The elements at the end of a run that fill no vector, x, y and dy, each a vector; then x with bias, then y that nobody wants. */
    private final SharedMemory workspace;

    private final float[] unwantedSums;
    private final long biased = 3L * LANES;
    private final long unwanted;

    /**
     * Of the worker that has this memory ({@link io.culvert.device.cpu.OneDnn#workspace}).
     *
     * @param most elements of a run
     */
    public GeluRun(SharedMemory workspace, int most) {
        this.workspace = workspace;
        int padded = Simd.bound(most + LANES - 1);
        unwanted = biased + padded;
        unwantedSums = new float[Math.max(LANES, padded)];
        workspace.reserve((unwanted + padded) * Float.BYTES);
    }

    /**
     * {@code y = x P(x)}, P the probability that a standard normal variable is below x.
     *
     * @param xFrom the element of x to begin with
     * @param yFrom that of y, which may be x
     */
    public void values(MemorySegment x, long xFrom, MemorySegment y, long yFrom, int count) {
        int whole = Simd.bound(count);
        GeluMath.values(x, xFrom * Float.BYTES, y, yFrom * Float.BYTES, whole);
        if (whole < count) {
            MemorySegment edge = workspace.memory();
            copy(x, xFrom + whole, edge, 0, count - whole);
            GeluMath.values(edge, 0, edge, VECTOR, LANES);
            copy(edge, LANES, y, yFrom + whole, count - whole);
        }
    }

    /** {@link #values} of x and a bias. */
    void values(MemorySegment x, MemorySegment bias, MemorySegment y, long from, int count) {
        RowSum.add(x, from, bias, 0, workspace.memory(), biased, count);
        values(workspace.memory(), biased, y, from, count);
    }

    /** {@code dx = dy (P(x) + x p(x))}, p the density; dx may be dy. */
    void gradients(MemorySegment x, MemorySegment dy, MemorySegment dx, long from, int count) {
        gradients(x, from, workspace.memory(), unwanted, dy, dx, from, unwantedSums, count);
    }

    /** The same of x and a bias, whose gradient is added to {@code sums}. */
    void gradients(
            MemorySegment x, MemorySegment bias, MemorySegment dy, MemorySegment dx, long from, float[] sums, int count) {
        RowSum.add(x, from, bias, 0, workspace.memory(), biased, count);
        gradients(workspace.memory(), biased, workspace.memory(), unwanted, dy, dx, from, sums, count);
    }

    /**
     * {@link #values} again, and {@code dx = dy (P(x) + x p(x))}, p the density, which is added to {@code sums} too.
     *
     * @param dFrom the element of dy to begin with, and of dx, which may be dy
     * @param sums as many as elements
     */
    public void gradients(
            MemorySegment x, long xFrom, MemorySegment y, long yFrom, MemorySegment dy, MemorySegment dx, long dFrom,
            float[] sums, int count) {
        int whole = Simd.bound(count);
        GeluMath.gradients(
                x, xFrom * Float.BYTES, y, yFrom * Float.BYTES, dy, dx, dFrom * Float.BYTES, sums, whole);
        if (whole < count) {
            int rest = count - whole;
            MemorySegment edge = workspace.memory();
            copy(x, xFrom + whole, edge, 0, rest);
            copy(dy, dFrom + whole, edge, 2 * LANES, rest);
            GeluMath.gradients(edge, 0, edge, VECTOR, edge, edge, 2 * VECTOR, unwantedSums, LANES);
            copy(edge, LANES, y, yFrom + whole, rest);
            copy(edge, 2 * LANES, dx, dFrom + whole, rest);
            for (int i = 0; i < rest; i++) {
                sums[whole + i] += Simd.get(edge, 2 * LANES + i);
            }
        }
    }

    private static void copy(MemorySegment from, long at, MemorySegment to, long target, int count) {
        for (int i = 0; i < count; i++) {
            Simd.set(to, target + i, Simd.get(from, at + i));
        }
    }
}
