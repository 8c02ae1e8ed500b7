package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.method.Method;
import io.culvert.method.Supervised;
import io.culvert.model.Init;
import io.culvert.model.VitTiny;
import io.culvert.ops.Tape;
import io.culvert.optim.AdamW;
import io.culvert.optim.GradientScale;
import io.culvert.optim.Groups;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps of several passes, on a small ViT, in which nothing looks across a batch. */
class AccumulationTest {
    private static final int BATCH = 6;
    private static final int SIZE = 8;
    private static final int STEPS = 4;
    private static final int FROZEN = 2;
    private static final double CLIP = 0.5;

    /** A trainer and its run, which a test may stop and go on with. */
    private static final class Run implements AutoCloseable {
        final Device device;
        final RunArena arena;
        final ParameterStore store = new ParameterStore();
        final Trainer trainer;
        final int pass;
        final MemorySegment views;
        final MemorySegment labels;
        private int step;
        private int passOfStep;

        Run(String where, int passes, boolean freezes) {
            device = where.equals("cpu") ? CpuDevice.open(2) : CudaDevice.open(0, Precision.FP32);
            arena = new RunArena(device);
            pass = BATCH / passes;
            VitTiny backbone = new VitTiny(store, SIZE, SIZE, 4, 1);
            Method method = new LateClassifier(new Supervised(backbone, 2.5), store);
            store.allocate(arena);
            Init init = new Init(3);
            backbone.initialise(init);
            method.initialise(init);
            store.valuesChanged();
            // A large eps: divided by its own size, a gradient that all but vanishes would be noise.
            Groups groups = new Groups(false, 0.5, method.lastLayer(), freezes ? FROZEN : 0);
            AdamW adam = new AdamW(arena, store, groups, 0.9, 0.99, 0.1, 0.05);
            adam.decayTo(0.4, STEPS);
            trainer = new Trainer(
                    arena, store, method, adam, new WarmupCosine(0.1, 0.05, 1e-3, 2, STEPS), pass, new int[] {SIZE},
                    new Trainer.Extras(
                            passes, new GradientScale.Clip(CLIP, true, store.parameters()), null, false));
            views = arena.hostMemory((long) pass * SIZE * SIZE * 3 * Float.BYTES);
            labels = arena.hostMemory((long) pass * Float.BYTES);
        }

        float step() {
            passOfStep = 0;
            bring();
            float loss = trainer.step(this::bring);
            step++;
            return loss;
        }

        /** The images of the step that belong to its next pass. */
        private void bring() {
            SplittableRandom random = new SplittableRandom(step);
            for (int i = 0; i < BATCH; i++) {
                int row = i - passOfStep * pass;
                float label = random.nextInt(2);
                if (row >= 0 && row < pass) {
                    labels.setAtIndex(ValueLayout.JAVA_FLOAT, row, label);
                }
                for (int k = 0; k < SIZE * SIZE * 3; k++) {
                    float value = (float) random.nextGaussian();
                    if (row >= 0 && row < pass) {
                        views.setAtIndex(ValueLayout.JAVA_FLOAT, (long) row * SIZE * SIZE * 3 + k, value);
                    }
                }
            }
            trainer.pixels().getFirst().feed(views);
            trainer.recorded().labels().copyFrom(labels);
            passOfStep++;
        }

        void resume(Path file) {
            Checkpoint.resume(file, store, trainer);
            step = trainer.steps();
        }

        List<float[]> values() {
            return store.parameters().stream().map(parameter -> parameter.value().toFloats()).toList();
        }

        @Override
        public void close() {
            arena.close();
            device.close();
        }
    }

    /** Supervised, whose classifier starts later, as DINO's last layer. */
    private record LateClassifier(Supervised method, ParameterStore store) implements Method {
        @Override
        public String name() {
            return method.name();
        }

        @Override
        public int views() {
            return 1;
        }

        @Override
        public void initialise(Init init) {
            method.initialise(init);
        }

        @Override
        public List<Parameter> lastLayer() {
            return store.parameters().stream().filter(parameter -> parameter.name().startsWith("classifier.")).toList();
        }

        @Override
        public Recorded record(Tape tape, List<Tensor> pixels) {
            return method.record(tape, pixels);
        }
    }

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void manyPassesAreOneLargeBatch(String where) {
        install(where);
        double[] losses = new double[STEPS];
        double[] norms = new double[STEPS];
        List<float[]> want;
        try (Run whole = new Run(where, 1, false)) {
            for (int step = 0; step < STEPS; step++) {
                losses[step] = whole.step();
                norms[step] = whole.trainer.clippedNorm().orElseThrow();
            }
            want = whole.values();
        }
        assertThat(norms[0]).as("so that clipping shows").isGreaterThan(CLIP);
        try (Run parts = new Run(where, 3, false)) {
            for (int step = 0; step < STEPS; step++) {
                assertThat(parts.step() / losses[step]).as("loss of step %d", step).isCloseTo(1, within(1e-5));
                assertThat(parts.trainer.clippedNorm().orElseThrow() / norms[step]).isCloseTo(1, within(1e-5));
            }
            for (int i = 0; i < want.size(); i++) {
                assertThat(error(parts.values().get(i), want.get(i)))
                        .as(parts.store.parameters().get(i).name())
                        .isLessThan(1e-5);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void aLastLayerStartsLateAndAResumedRunEndsInTheSameBits(String where) {
        install(where);
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        List<float[]> want;
        try (Run whole = new Run(where, 2, true)) {
            List<float[]> start = whole.values();
            for (int step = 0; step < STEPS; step++) {
                whole.step();
                List<float[]> now = whole.values();
                for (int i = 0; i < now.size(); i++) {
                    String name = whole.store.parameters().get(i).name();
                    if (name.startsWith("classifier.") && step < FROZEN) {
                        assertThat(now.get(i)).as("%s after step %d", name, step).isEqualTo(start.get(i));
                    } else {
                        assertThat(now.get(i)).as("%s after step %d", name, step).isNotEqualTo(start.get(i));
                    }
                }
                if (step == 0) {
                    Checkpoint.save(checkpoint, whole.store, whole.trainer, Map.of());
                }
            }
            want = whole.values();
        }
        try (Run resumed = new Run(where, 2, true)) {
            resumed.resume(checkpoint);
            for (int step = 1; step < STEPS; step++) {
                resumed.step();
            }
            for (int i = 0; i < want.size(); i++) {
                assertThat(resumed.values().get(i)).isEqualTo(want.get(i));
            }
        }
    }

    @Test
    void aPassThatDivergesLeavesTheWeights() {
        try (Run run = new Run("cpu", 3, false)) {
            run.step();
            List<float[]> before = run.values();
            run.bring();
            run.views.set(ValueLayout.JAVA_FLOAT, 0, Float.NaN);
            assertThatThrownBy(() -> run.trainer.step(run::bring))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("the loss of step 1 is NaN");
            for (int i = 0; i < before.size(); i++) {
                assertThat(run.values().get(i)).isEqualTo(before.get(i));
            }
        }
    }

    private static void install(String where) {
        if (!where.equals("cpu")) {
            TestEmulator.install();
        }
    }

    private static double error(float[] got, float[] want) {
        double off = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            off += Math.pow((double) got[i] - want[i], 2);
            norm += Math.pow(want[i], 2);
        }
        return Math.sqrt(off / norm);
    }
}
