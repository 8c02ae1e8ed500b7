package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.method.BarlowTwins;
import io.culvert.method.Byol;
import io.culvert.method.Dino;
import io.culvert.method.Mae;
import io.culvert.method.Method;
import io.culvert.method.MomentumCosine;
import io.culvert.method.SimClr;
import io.culvert.method.Supervised;
import io.culvert.method.Teacher;
import io.culvert.method.TeacherTemperature;
import io.culvert.model.Backbone;
import io.culvert.model.DinoHead;
import io.culvert.model.Init;
import io.culvert.model.MaeDecoder;
import io.culvert.model.Mlp;
import io.culvert.model.VitTiny;
import io.culvert.ops.barlow.BarlowTwinsOp;
import io.culvert.optim.AdamW;
import io.culvert.optim.Lars;
import io.culvert.optim.Optimizer;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ten steps of each method, optimiser and teacher against PyTorch's in float64: see tools/vectors/trajectories.py. */
class TrajectoryTest {
    /** Rounding grows from step to step; a wrong rule is off by percents. */
    private static final double TOLERANCE = 1e-4;

    /** Of the biases before a normalisation only noise is left: their gradient is zero. */
    private static final double NOISE = 1e-6;

    private SafetensorsFile file;
    private JsonNode params;

    @ParameterizedTest
    @CsvSource({
        "simclr, cpu", "simclr, emulator", "barlow_twins, cpu", "barlow_twins, emulator", "byol, cpu", "byol, emulator",
        "dino, cpu", "dino, emulator", "dino_multicrop, cpu", "dino_multicrop, emulator", "mae, cpu", "mae, emulator",
        "supervised, cpu", "supervised, emulator"
    })
    void equalsPyTorch(String name, String where) throws Exception {
        try (Arena mapping = Arena.ofConfined()) {
            file = SafetensorsFile.map(Path.of("test/resources/trajectories/trajectory_" + name + ".safetensors"), mapping);
            params = new JsonMapper().readTree(file.metadata().get("params"));
            try (Device device = open(where);
                    RunArena arena = new RunArena(device)) {
                follow(name, arena);
            }
        }
    }

    private static Device open(String where) {
        if (where.equals("cpu")) {
            return CpuDevice.open(2);
        }
        TestEmulator.install();
        return CudaDevice.open(0, Precision.FP32);
    }

    private void follow(String name, RunArena arena) {
        ParameterStore store = new ParameterStore();
        Backbone backbone = name.equals("mae") ? vit(store) : new SmallBackbone(store);
        Method method = method(name, backbone);
        store.allocate(arena);
        method.allocate(arena);
        Init init = new Init(1);
        backbone.initialise(init);
        method.initialise(init);
        for (Parameter parameter : store.parameters()) {
            parameter.value().set(parameter.fromTorchOrder(file.tensor("param/" + parameter.name()).toFloats()));
        }
        store.buffers().forEach((key, buffer) -> {
            boolean ones = key.endsWith("running_var") || key.endsWith("weight_g");
            if (ones || key.contains("running_mean")) {
                float[] values = new float[Math.toIntExact(buffer.shape().count())];
                Arrays.fill(values, ones ? 1 : 0);
                buffer.set(values);
            }
        });
        store.valuesChanged();
        method.teacher().ifPresent(Teacher::copyStudent);
        double peak = number("peak");
        WarmupCosine schedule = new WarmupCosine(peak, number("start"), number("min"), integer("warmup"), integer("steps"));
        Trainer trainer = new Trainer(
                arena, store, method, optimizer(arena, store), schedule, integer("batch"), integer("size"),
                method.localViews() == 0 ? 0 : integer("local_size"));
        double[] losses = file.tensor("out/losses").toDoubles();
        for (int step = 0; step < losses.length; step++) {
            if (trainer.recorded().labels() != null) {
                trainer.recorded().labels().copyFrom(memory(arena, "in/labels." + step));
            }
            trainer.pixels().getFirst().feed(memory(arena, "in/views." + step));
            if (method.localViews() > 0) {
                trainer.pixels().getLast().feed(memory(arena, "in/local." + step));
            }
            assertThat(trainer.step() / losses[step])
                    .as("loss of step %d", step)
                    .isBetween(1 - TOLERANCE, 1 + TOLERANCE);
        }
        assertValues(store, "out/");
        method.teacher().ifPresent(teacher -> assertValues(teacher.store(), "out/teacher/"));
    }

    private VitTiny vit(ParameterStore store) {
        VitTiny.Sizes sizes =
                new VitTiny.Sizes(integer("encoder_width"), integer("encoder_depth"), integer("encoder_heads"));
        return new VitTiny(store, integer("size"), integer("size"), integer("patch"), sizes, VitTiny.Start.MAE);
    }

    /** With the masks of the file. */
    private Mae mae(VitTiny encoder) {
        MaeDecoder.Sizes sizes = new MaeDecoder.Sizes(
                integer("decoder_width"), integer("decoder_depth"), integer("decoder_heads"), 1e-6);
        int kept = (int) (encoder.patches() * (1 - number("mask_ratio")));
        return new Mae(
                encoder, new MaeDecoder(encoder, sizes), new Mae.Settings(number("mask_ratio"), true, false),
                (step, image, places) -> {
                    long[] visible = file.tensor("in/visible." + step).toLongs();
                    for (int i = 0; i < kept; i++) {
                        int place = (int) visible[image * kept + i];
                        int at = i;
                        while (places[at] != place) {
                            at++;
                        }
                        places[at] = places[i];
                        places[i] = place;
                    }
                });
    }

    private Method method(String name, Backbone backbone) {
        if (backbone instanceof VitTiny encoder) {
            return mae(encoder);
        }
        int hidden = integer("hidden");
        int dim = integer("dim");
        return switch (name) {
            case "simclr" -> new SimClr(backbone, hidden, dim, number("temperature"));
            case "barlow_twins" -> new BarlowTwins(
                    backbone, hidden, dim, new BarlowTwinsOp.Config(number("lambda"), number("scale"), 1e-5));
            case "byol" -> new Byol(
                    backbone, SmallBackbone::new, hidden, dim,
                    new MomentumCosine(number("momentum"), number("final_momentum"), integer("steps")));
            case "dino" -> dino(backbone, new DinoHead.Config(
                    hidden, dim, integer("prototypes"), Mlp.Activation.RELU, false, false));
            case "dino_multicrop" -> dino(backbone, new DinoHead.Config(
                    hidden, dim, integer("prototypes"), Mlp.Activation.GELU, true, true));
            default -> new Supervised(backbone, number("positive_weight"));
        };
    }

    private Dino dino(Backbone backbone, DinoHead.Config head) {
        TeacherTemperature temperature = new TeacherTemperature(
                number("teacher_temperature_start"), number("teacher_temperature"), integer("teacher_temperature_epochs"),
                integer("steps_per_epoch"));
        Dino.Config config = new Dino.Config(
                head, number("student_temperature"), temperature, number("center_momentum"), integer("local"));
        return new Dino(
                backbone, SmallBackbone::new, config,
                new MomentumCosine(number("momentum"), number("final_momentum"), integer("steps")));
    }

    private Optimizer optimizer(RunArena arena, ParameterStore store) {
        return switch (params.get("optimizer").textValue()) {
            case "lars" -> new Lars(arena, store, 0.9, 1e-4, 0.02);
            case "adamw" -> new AdamW(arena, store, 0.9, 0.95, params.path("eps").asDouble(1e-8), 0.05);
            default -> new Sgd(arena, store, 0.9, 1e-4, false);
        };
    }

    private void assertValues(ParameterStore store, String group) {
        for (Parameter parameter : store.parameters()) {
            assertNear(group + parameter.name(), parameter.toTorchOrder(parameter.value().toFloats()));
        }
        store.buffers().forEach((name, buffer) -> assertNear(group + name, buffer.toFloats()));
    }

    private void assertNear(String name, float[] got) {
        double[] want = file.tensor(name).toDoubles();
        double square = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            square += (got[i] - want[i]) * (got[i] - want[i]);
            norm += want[i] * want[i];
        }
        assertThat(Math.sqrt(square)).as(name).isLessThan(TOLERANCE * Math.sqrt(norm) + NOISE * Math.sqrt(want.length));
    }

    private MemorySegment memory(RunArena arena, String name) {
        StoredTensor stored = file.tensor(name);
        MemorySegment memory = arena.hostMemory(stored.count() * Float.BYTES);
        MemorySegment.copy(stored.toFloats(), 0, memory, ValueLayout.JAVA_FLOAT, 0, Math.toIntExact(stored.count()));
        return memory;
    }

    private double number(String key) {
        return params.get(key).doubleValue();
    }

    private int integer(String key) {
        return params.get(key).intValue();
    }
}
