package io.culvert.bench.culvert;

import io.culvert.bench.step.StepShape;
import io.culvert.bench.step.TrainingStep;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.method.Mae;
import io.culvert.method.Method;
import io.culvert.method.SimClr;
import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.model.MaeDecoder;
import io.culvert.model.ResNet18;
import io.culvert.model.VitTiny;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.ParameterStore;
import io.culvert.train.Trainer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * Culvert's own training step, the one that {@code culvert pretrain} repeats, on random pixels. SimCLR with a head of
 * 2048 and 256 and NT-Xent at temperature 0.2, or MAE with the study's decoder; SGD with momentum 0.9 and weight decay 1e-4.
 */
public final class CulvertStep implements TrainingStep {
    private static final long SEED = 42;

    private final CpuDevice device;
    private final RunArena arena;
    private final Trainer trainer;
    private final MemorySegment views;

    /** Builds the network and records the step. */
    public CulvertStep(int threads, StepShape shape) {
        device = CpuDevice.open(threads);
        arena = new RunArena(device);
        ParameterStore store = new ParameterStore();
        Backbone backbone = backbone(shape, store);
        Method method = method(shape, backbone);
        store.allocate(arena);
        method.allocate(arena);
        Init init = new Init(SEED);
        backbone.initialise(init);
        method.initialise(init);
        store.valuesChanged();
        Sgd sgd = new Sgd(arena, store, 0.9, 1e-4, false);
        WarmupCosine constant = new WarmupCosine(0.03, 0.03, 0.03, 1, 1_000_000);
        trainer = new Trainer(arena, store, method, sgd, constant, shape.batch(), shape.size());
        views = normal(arena, "views", trainer.pixels().getFirst().shape().count());
    }

    private static Backbone backbone(StepShape shape, ParameterStore store) {
        if (shape.model().equals("resnet18")) {
            return new ResNet18(store, false);
        }
        VitTiny.Start start = shape.method().equals("mae") ? VitTiny.Start.MAE : VitTiny.Start.TIMM;
        return new VitTiny(store, shape.size(), shape.size(), shape.patch(), VitTiny.Sizes.TINY, start);
    }

    private static Method method(StepShape shape, Backbone backbone) {
        if (shape.method().equals("mae") && backbone instanceof VitTiny encoder) {
            MaeDecoder decoder = new MaeDecoder(encoder, new MaeDecoder.Sizes(192, 12, 12, 1e-6));
            return new Mae(encoder, decoder, new Mae.Settings(0.75, true, false), SEED);
        }
        return new SimClr(backbone, 2048, 256, 0.2);
    }

    @Override
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
