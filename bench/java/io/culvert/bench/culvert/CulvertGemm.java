package io.culvert.bench.culvert;

import io.culvert.bench.BenchSettings;
import io.culvert.bench.gemm.GemmShape;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import java.lang.foreign.MemorySegment;

/** A matrix product as Culvert's linear layers call it. */
public final class CulvertGemm implements AutoCloseable {
    private final CpuDevice device = CpuDevice.open(BenchSettings.threads());
    private final RunArena arena = new RunArena(device);
    private final GemmShape shape;
    private final MemorySegment a;
    private final MemorySegment b;
    private final MemorySegment c;

    /** Fills the operands. */
    public CulvertGemm(GemmShape shape) {
        this.shape = shape;
        a = CulvertStep.normal(arena, "a", (long) shape.m() * shape.k());
        b = CulvertStep.normal(arena, "b", (long) shape.k() * shape.n());
        c = CulvertStep.normal(arena, "c", (long) shape.m() * shape.n());
    }

    /** {@code c = a b}. */
    public void product() {
        device.oneDnn()
                .sgemm('N', 'N', shape.m(), shape.n(), shape.k(), 1, a, shape.k(), b, shape.n(), 0, c, shape.n());
    }

    @Override
    public void close() {
        arena.close();
        device.close();
    }
}
