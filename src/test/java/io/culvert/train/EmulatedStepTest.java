package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.method.SimClr;
import io.culvert.model.Init;
import io.culvert.optim.AdamW;
import io.culvert.optim.Lars;
import io.culvert.optim.Optimizer;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import io.culvert.verify.SmallBackbone;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole training steps of the CUDA device, on the emulator, against those of the CPU. */
class EmulatedStepTest {
    private static final int BATCH = 3;
    private static final int SIZE = 17;
    /** The third is recorded, the fourth repeats it. */
    private static final int STEPS = 4;

    /** Relative, of each tensor's norm: rounding of three steps in single precision. */
    private static final double TOLERANCE = 2e-5;

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void forgetTheOrder() {
        if (emulator != null) {
            emulator.order(ExecutionOrder.FORWARD);
        }
    }

    /** The losses of some steps, and every tensor afterwards. */
    private record Trained(List<Float> losses, List<String> names, List<float[]> tensors) {}

    @ParameterizedTest
    @ValueSource(strings = {"sgd", "lars", "adamw"})
    void stepsEqualTheCpus(String optimizer) {
        Trained cpu;
        try (Device device = CpuDevice.open(2)) {
            cpu = train(device, optimizer);
        }
        Trained cuda;
        try (Device device = CudaDevice.open(0, Precision.FP32)) {
            cuda = train(device, optimizer);
        }
        assertSame(cuda, cpu);
        assertThat(emulator.leaks()).as("not given back").isEmpty();
    }

    /** Rounding differs step by step; what is held here is that the same network trains, on weights that stay exact. */
    @ParameterizedTest
    @EnumSource(value = Precision.class, names = {"TF32", "BF16"})
    void mixedPrecisionFollowsSingle(Precision precision) {
        Trained single = onEmulator(ExecutionOrder.FORWARD);
        Trained mixed;
        try (Device device = CudaDevice.open(0, precision)) {
            mixed = train(device, "sgd");
        }
        for (int i = 0; i < STEPS; i++) {
            assertThat(mixed.losses.get(i)).isCloseTo(single.losses.get(i), withinPercentage(100 * precision.tolerance()));
        }
        Trained initial;
        try (Device device = CpuDevice.open(1)) {
            initial = train(device, "sgd", 0);
        }
        for (int i = 0; i < single.tensors.size(); i++) {
            // A rounding that turns the sign before a ReLU changes a gradient much; a wrong one would go another way.
            assertThat(distance(mixed.tensors.get(i), single.tensors.get(i)))
                    .as(single.names.get(i))
                    .isLessThan(distance(single.tensors.get(i), initial.tensors.get(i)) / 4);
        }
        assertThat(mixed.losses).isNotEqualTo(single.losses);
        assertThat(emulator.leaks()).as("not given back").isEmpty();
    }

    /** {@code ||a - b||}. */
    private static double distance(float[] a, float[] b) {
        double square = 0;
        for (int i = 0; i < a.length; i++) {
            square += (a[i] - b[i]) * (double) (a[i] - b[i]);
        }
        return Math.sqrt(square);
    }

    @Test
    void theOrderOfBlocksAndWarpsChangesNoBit() {
        Trained forward = onEmulator(ExecutionOrder.FORWARD);
        for (ExecutionOrder order : List.of(ExecutionOrder.REVERSE, ExecutionOrder.shuffled(1))) {
            Trained other = onEmulator(order);
            assertThat(other.losses).isEqualTo(forward.losses);
            for (int i = 0; i < forward.tensors.size(); i++) {
                assertThat(other.tensors.get(i)).as(forward.names.get(i)).isEqualTo(forward.tensors.get(i));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sgd", "lars", "adamw"})
    void aRecordedStepIsTheStep(String optimizer) {
        recordedIsLaunched(optimizer, Precision.FP32);
    }

    /** cuDNN's graphs within the driver's. */
    @Test
    void aRecordedStepInBrainFloatsIsTheStep() {
        int before = emulator.graphRuns();
        recordedIsLaunched("sgd", Precision.BF16);
        assertThat(emulator.graphRuns()).isGreaterThan(before);
    }

    private void recordedIsLaunched(String optimizer, Precision precision) {
        int before = emulator.graphLaunches();
        Trained recorded;
        try (Device device = CudaDevice.open(0, precision)) {
            recorded = train(device, optimizer);
        }
        assertThat(emulator.graphLaunches() - before).isEqualTo(STEPS - 2);
        System.setProperty("culvert.graph", "false");
        try (Device device = CudaDevice.open(0, precision)) {
            Trained launched = train(device, optimizer);
            assertThat(recorded.losses).isEqualTo(launched.losses);
            for (int i = 0; i < launched.tensors.size(); i++) {
                assertThat(recorded.tensors.get(i)).as(launched.names.get(i)).isEqualTo(launched.tensors.get(i));
            }
        } finally {
            System.clearProperty("culvert.graph");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "cuda"})
    void aStepThatDivergesLeavesTheWeights(String name) {
        for (String optimizer : List.of("sgd", "lars", "adamw")) {
            try (Device device = name.equals("cpu") ? CpuDevice.open(1) : CudaDevice.open(0, Precision.FP32);
                    RunArena arena = new RunArena(device)) {
                ParameterStore store = new ParameterStore();
                Trainer trainer = trainer(arena, store, optimizer);
                for (int step = 0; step < STEPS; step++) {
                    trainer.step(views(arena, step));
                }
                List<float[]> before = values(store);
                MemorySegment broken = views(arena, STEPS);
                broken.set(ValueLayout.JAVA_FLOAT, 0, Float.NaN);
                assertThatThrownBy(() -> trainer.step(broken))
                        .isInstanceOf(CulvertException.class)
                        .hasMessageContaining("the loss of step " + STEPS + " is NaN");
                List<float[]> after = values(store);
                for (int i = 0; i < before.size(); i++) {
                    assertThat(after.get(i)).as("%s, %s", optimizer, store.parameters().get(i).name()).isEqualTo(before.get(i));
                }
            }
        }
    }

    private static List<float[]> values(ParameterStore store) {
        return store.parameters().stream().map(parameter -> parameter.value().toFloats()).toList();
    }

    @Test
    void aFailedAllocationSaysWhatWasAskedForAndLeavesTheProcessWell() {
        emulator.failAllocation(4);
        assertThatThrownBy(() -> onEmulator(ExecutionOrder.FORWARD))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("cuMemAlloc(")
                .hasMessageContaining("CUDA_ERROR_OUT_OF_MEMORY (2)")
                .hasMessageContaining("GiB free");
        assertThat(onEmulator(ExecutionOrder.FORWARD).losses).hasSize(STEPS);
    }

    @Test
    void aFailedLaunchNamesTheKernelAndBreaksTheContext() {
        emulator.failLaunch(20);
        assertThatThrownBy(() -> onEmulator(ExecutionOrder.FORWARD))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("cuLaunchKernel(")
                .hasMessageContaining("CUDA_ERROR_LAUNCH_FAILED (719)");
    }

    private Trained onEmulator(ExecutionOrder order) {
        emulator.order(order);
        try (Device device = CudaDevice.open(0, Precision.FP32)) {
            return train(device, "sgd");
        }
    }

    private static Trainer trainer(RunArena arena, ParameterStore store, String optimizer) {
        SmallBackbone backbone = new SmallBackbone(store);
        SimClr method = new SimClr(backbone, 33, 17, 0.5);
        store.allocate(arena);
        Init init = new Init(1);
        backbone.initialise(init);
        method.initialise(init);
        store.valuesChanged();
        return new Trainer(
                arena, store, method, optimizer(optimizer, arena, store), new WarmupCosine(0.05, 0.05, 0.05, 1, 100),
                BATCH, SIZE);
    }

    private static Trained train(Device device, String optimizer) {
        return train(device, optimizer, STEPS);
    }

    private static Trained train(Device device, String optimizer, int steps) {
        try (RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Trainer trainer = trainer(arena, store, optimizer);
            List<Float> losses = new ArrayList<>();
            for (int step = 0; step < steps; step++) {
                losses.add(trainer.step(views(arena, step)));
            }
            List<String> names = new ArrayList<>();
            List<float[]> tensors = new ArrayList<>();
            for (Parameter parameter : store.parameters()) {
                names.add(parameter.name());
                tensors.add(parameter.value().toFloats());
            }
            store.buffers().forEach((name, buffer) -> {
                names.add(name);
                tensors.add(buffer.toFloats());
            });
            Tensor embeddings = trainer.recorded().embeddings();
            names.add(embeddings.name());
            tensors.add(embeddings.toFloats());
            return new Trained(losses, names, tensors);
        }
    }

    private static Optimizer optimizer(String name, RunArena arena, ParameterStore store) {
        return switch (name) {
            case "sgd" -> new Sgd(arena, store, 0.9, 1e-4, true);
            case "lars" -> new Lars(arena, store, 0.9, 1e-4, 0.02);
            // A large eps: divided by its own size, the all but vanishing gradient of the last bias would be noise.
            default -> new AdamW(arena, store, 0.9, 0.999, 0.1, 1e-2);
        };
    }

    private static MemorySegment views(RunArena arena, int step) {
        long count = 2L * BATCH * SIZE * SIZE * 3;
        MemorySegment views = arena.hostMemory(count * Float.BYTES);
        SplittableRandom random = new SplittableRandom(step);
        for (long i = 0; i < count; i++) {
            views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return views;
    }

    private static void assertSame(Trained got, Trained want) {
        for (int step = 0; step < STEPS; step++) {
            assertThat((double) got.losses.get(step))
                    .as("loss of step " + step)
                    .isCloseTo(want.losses.get(step), Percentage.withPercentage(1e-3));
        }
        assertThat(got.names).isEqualTo(want.names);
        for (int i = 0; i < want.tensors.size(); i++) {
            assertThat(error(got.tensors.get(i), want.tensors.get(i)))
                    .as("relative error of " + want.names.get(i))
                    .isLessThan(TOLERANCE);
        }
    }

    private static double error(float[] got, float[] want) {
        double off = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            off += Math.pow((double) got[i] - want[i], 2);
            norm += Math.pow(want[i], 2);
        }
        return Math.sqrt(off / Math.max(norm, 1e-12));
    }
}
