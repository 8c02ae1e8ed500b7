package io.culvert.bench.culvert;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.method.SimClr;
import io.culvert.model.Init;
import io.culvert.model.ResNet18;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.ParameterStore;
import io.culvert.train.Trainer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * Culvert's own training step, the one that {@code culvert pretrain} repeats, on random pixels: ResNet-18, head
 * 512-2048-256, NT-Xent at temperature 0.2, SGD with momentum 0.9 and weight decay 1e-4.
 */
public final class CulvertSimClr implements AutoCloseable {
    private final CpuDevice device;
    private final RunArena arena;
    private final Trainer trainer;
    private final MemorySegment views;

    /** Builds the network for {@code batch} images of {@code size} by {@code size} pixels, two views each. */
    public CulvertSimClr(int threads, int batch, int size) {
        device = CpuDevice.open(threads);
        arena = new RunArena(device);
        ParameterStore store = new ParameterStore();
        ResNet18 backbone = new ResNet18(store, false);
        SimClr method = new SimClr(backbone, 2048, 256, 0.2);
        store.allocate(arena);
        Init init = new Init(42);
        backbone.initialise(init);
        method.initialise(init);
        store.valuesChanged();
        Sgd sgd = new Sgd(arena, store, 0.9, 1e-4, false);
        WarmupCosine constant = new WarmupCosine(0.03, 0.03, 0.03, 1, 1_000_000);
        trainer = new Trainer(arena, store, method, sgd, constant, batch, size);
        views = normal(arena, "views", 2L * batch * size * size * 3);
    }

    /** One training step; returns the loss. */
    public float step() {
        return trainer.step(views);
    }

    /** Memory of {@code count} floats, standard normal. */
    static MemorySegment normal(RunArena arena, String purpose, long count) {
        MemorySegment memory = arena.allocate(purpose, count * Float.BYTES).memory();
        SplittableRandom random = new SplittableRandom(7);
        for (long i = 0; i < count; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return memory;
    }

    @Override
    public void close() {
        arena.close();
        device.close();
    }
}
