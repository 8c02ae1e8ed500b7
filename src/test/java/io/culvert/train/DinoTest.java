package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.method.Dino;
import io.culvert.method.MomentumCosine;
import io.culvert.method.Teacher;
import io.culvert.method.TeacherTemperature;
import io.culvert.model.Backbone;
import io.culvert.model.DinoHead;
import io.culvert.model.Init;
import io.culvert.model.Mlp;
import io.culvert.model.VitTiny;
import io.culvert.ops.OpTestKit;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** DINO with small views on a vision transformer of one block: what a trajectory of a small network does not show. */
class DinoTest {
    private static final int SIZE = 16;
    private static final int LOCAL_SIZE = 8;
    private static final int PATCH = 4;
    private static final int BATCH = 3;
    private static final int PROTOTYPES = 50;

    /** A network that has made one step, and what came out of it. */
    private record Made(float loss, float entropy, Map<String, float[]> gradients, Map<String, float[]> values) {}

    private static Backbone network(ParameterStore store) {
        return new VitTiny(store, SIZE, SIZE, PATCH, 1);
    }

    private static Made step(Device device, int localViews, boolean fixedLengths) {
        try (device;
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Backbone backbone = network(store);
            DinoHead.Config head = new DinoHead.Config(37, 256, PROTOTYPES, Mlp.Activation.GELU, false, fixedLengths);
            Dino method = new Dino(
                    backbone,
                    DinoTest::network,
                    new Dino.Config(head, 0.1, new TeacherTemperature(0.04, 0.07, 2, 1), 0.9, localViews),
                    new MomentumCosine(0.9, 1, 10));
            store.allocate(arena);
            method.allocate(arena);
            Init init = new Init(7);
            backbone.initialise(init);
            method.initialise(init);
            store.valuesChanged();
            method.teacher().ifPresent(Teacher::copyStudent);
            Trainer trainer = new Trainer(
                    arena, store, method, new Sgd(arena, store, 0.9, 0, false), new WarmupCosine(0.1, 0.1, 0.1, 0, 10), BATCH,
                    SIZE, LOCAL_SIZE);
            SplittableRandom random = new SplittableRandom(3);
            for (Tensor pixels : trainer.pixels()) {
                float[] values = new float[Math.toIntExact(pixels.shape().count())];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) random.nextGaussian();
                }
                if (!pixels.isBound()) {
                    pixels.bind(arena.allocate(pixels.name(), pixels.bytes()), 0);
                }
                pixels.set(values);
            }
            float loss = trainer.step();
            Map<String, float[]> gradients = new LinkedHashMap<>();
            Map<String, float[]> values = new LinkedHashMap<>();
            for (Parameter parameter : store.parameters()) {
                gradients.put(parameter.name(), parameter.gradient().toFloats());
                values.put(parameter.name(), parameter.value().toFloats());
            }
            ParameterStore teacher = method.teacher().orElseThrow().store();
            teacher.parameters().forEach(each -> values.put("teacher/" + each.name(), each.value().toFloats()));
            values.put("center", store.buffers().get("center").toFloats());
            return new Made(loss, trainer.recorded().scalars().get("teacher_entropy").item(), gradients, values);
        }
    }

    /** A network that knows nothing answers with no prototype in particular, student and teacher alike. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void everyParameterGetsAGradientAndTheLossBeginsNearTheLogarithmOfThePrototypes(int localViews) {
        Made made = step(CpuDevice.open(2), localViews, false);
        made.gradients.forEach((name, gradient) -> assertThat(gradient).as(name).isNotEqualTo(new float[gradient.length]));
        assertThat((double) made.loss).isCloseTo(Math.log(PROTOTYPES), within(1.0));
        assertThat((double) made.entropy).isBetween(0.0, Math.log(PROTOTYPES));
        assertThat(made.loss).isGreaterThan(made.entropy);
    }

    @Test
    void prototypesOfFixedLengthHaveNoneToTrain() {
        Made made = step(CpuDevice.open(2), 0, true);
        assertThat(made.gradients).containsKey("head.last_layer.weight_v").doesNotContainKey("head.last_layer.weight_g");
    }

    /** Views of two sizes, positions of two grids, one head: all of a step on the emulator as on the CPU. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void smallViewsGoTheSameWayOnBothDevices(int localViews) {
        TestEmulator.assumeBuilt();
        Made want = step(CpuDevice.open(2), localViews, false);
        TestEmulator.install();
        Made got = step(CudaDevice.open(0, Precision.FP32), localViews, false);
        assertThat(got.loss / want.loss).isCloseTo(1f, within(1e-5f));
        assertThat(got.entropy / want.entropy).isCloseTo(1f, within(1e-5f));
        want.gradients.forEach((name, gradient) -> assertNear(name, got.gradients.get(name), gradient));
        want.values.forEach((name, values) -> assertNear(name, got.values.get(name), values));
    }

    private static void assertNear(String name, float[] got, float... want) {
        double[] wide = new double[want.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = want[i];
        }
        OpTestKit.assertClose(name, got, wide, 1e-4);
    }

    /** numpy's linspace with both ends, epoch by epoch. */
    @Test
    void theTeachersTemperatureRisesFromEpochToEpoch() {
        TeacherTemperature schedule = new TeacherTemperature(0.04, 0.07, 4, 5);
        double[] want = {0.04, 0.05, 0.06, 0.07, 0.07, 0.07};
        List<Double> got = new ArrayList<>();
        for (int epoch = 0; epoch < want.length; epoch++) {
            for (int step : new int[] {0, 4}) {
                got.add(schedule.at(5 * epoch + step));
                assertThat(got.getLast()).as("epoch %d", epoch).isCloseTo(want[epoch], within(1e-15));
            }
        }
        assertThat(new TeacherTemperature(0.04, 0.07, 0, 5).at(0)).isEqualTo(0.07);
        assertThat(new TeacherTemperature(0.04, 0.07, 1, 5).at(4)).isEqualTo(0.04);
        assertThat(new TeacherTemperature(0.04, 0.07, 1, 5).at(5)).isEqualTo(0.07);
    }
}
