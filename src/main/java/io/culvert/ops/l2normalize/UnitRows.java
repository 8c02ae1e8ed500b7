package io.culvert.ops.l2normalize;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import java.lang.foreign.MemorySegment;

/** The arithmetic of scaling one row to unit length, for the op and for the losses that normalise by themselves. */
public final class UnitRows {
    /** PyTorch's {@code F.normalize} default. */
    private static final double EPS = 1e-12;

    private UnitRows() {}

    private static double length(MemorySegment x, long at, int width) {
        double squares = 0;
        for (int i = 0; i < width; i++) {
            double v = get(x, at + i);
            squares += v * v;
        }
        return Math.sqrt(squares);
    }

    /** {@code y = x / max(||x||, eps)} for the row of {@code width} elements that starts at element {@code at}. */
    public static void normalise(MemorySegment x, MemorySegment y, long at, int width) {
        double scale = 1 / Math.max(length(x, at, width), EPS);
        for (int i = 0; i < width; i++) {
            set(y, at + i, (float) (get(x, at + i) * scale));
        }
    }

    /** {@code dx = (dy - y (y . dy)) / ||x||}; below eps the length is a constant and {@code dx = dy / eps}. */
    public static void differentiate(
            MemorySegment x, MemorySegment y, MemorySegment dy, MemorySegment dx, long at, int width) {
        double length = length(x, at, width);
        double along = 0;
        if (length > EPS) {
            for (int i = 0; i < width; i++) {
                along += (double) get(y, at + i) * get(dy, at + i);
            }
        }
        double scale = 1 / Math.max(length, EPS);
        for (int i = 0; i < width; i++) {
            set(dx, at + i, (float) ((get(dy, at + i) - along * get(y, at + i)) * scale));
        }
    }
}
