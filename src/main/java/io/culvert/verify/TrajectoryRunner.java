package io.culvert.verify;

import io.culvert.device.Group;
import io.culvert.device.RunArena;
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
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import io.culvert.train.Trainer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Whole training steps of a method: views, method, optimiser, schedule, teacher. {@code in/views.STEP} [N, H, W, 3] and what
 * else a step takes in; {@code out/losses}, then every parameter and statistic after the last step. The file
 * format is described in tools/vectors/trajectories.py.
 */
final class TrajectoryRunner implements CaseRunner {
    static final List<String> NAMES =
            List.of("simclr", "barlow_twins", "byol", "dino", "dino_multicrop", "mae", "supervised");

    private static final double BATCH_NORM_EPS = 1e-5;
    private static final double LAYER_NORM_EPS = 1e-6;

    /** Rounding grows from step to step; a wrong rule is off by percents. */
    @Override
    public double defaultTolerance() {
        return 1e-3;
    }

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        if (!NAMES.contains(vector.name())) {
            throw vector.unknownName(NAMES);
        }
        ParameterStore store = new ParameterStore();
        Backbone backbone = vector.name().equals("mae") ? vit(vector, store) : new SmallBackbone(store);
        Method method = method(vector, backbone);
        store.allocate(arena);
        method.allocate(arena);
        start(vector, store, backbone, method);
        int steps = vector.integer("steps");
        WarmupCosine schedule = new WarmupCosine(
                vector.number("peak"), vector.number("start"), vector.number("min"), vector.integer("warmup"), steps);
        Trainer trainer = new Trainer(
                arena, store, method, optimizer(vector, arena, store), schedule,
                vector.integer("batch") / arena.device().group().size(), vector.integer("size"), method.localViews() == 0 ? 0 : vector.integer("local_size"));
        double[] losses = new double[steps];
        for (int step = 0; step < steps; step++) {
            feed(vector, trainer.pixels().getFirst(), arena, "in/views." + step, method.views());
            if (method.localViews() > 0) {
                feed(vector, trainer.pixels().getLast(), arena, "in/local." + step, method.localViews());
            }
            Tensor labels = trainer.recorded().labels();
            if (labels != null) {
                labels.copyFrom(memory(vector, labels, arena, "in/labels." + step, 1));
            }
            losses[step] = trainer.step();
        }
        Map<String, Computed> computed = new LinkedHashMap<>();
        computed.put("out/losses", new Computed(List.of((long) steps), losses));
        add(computed, "out/", store);
        method.teacher().ifPresent(teacher -> add(computed, "out/teacher/", teacher.store()));
        return computed;
    }

    /** The values of the file; running statistics and the lengths of fixed prototypes as they always start. */
    private static void start(VectorCase vector, ParameterStore store, Backbone backbone, Method method) {
        Init init = new Init(1);
        backbone.initialise(init);
        method.initialise(init);
        for (Parameter parameter : store.parameters()) {
            StoredTensor given = vector.tensor("param/" + parameter.name());
            if (!given.shape().equals(longs(parameter.torchShape()))) {
                throw vector.fault("param/%s has shape %s, the network's is %s", parameter.name(), given.shape(),
                        Arrays.toString(parameter.torchShape()));
            }
            parameter.value().set(parameter.fromTorchOrder(given.toFloats()));
        }
        store.buffers().forEach((name, buffer) -> {
            boolean ones = name.endsWith("running_var") || name.endsWith("weight_g");
            if (ones || name.endsWith("running_mean")) {
                float[] values = new float[Math.toIntExact(buffer.shape().count())];
                Arrays.fill(values, ones ? 1 : 0);
                buffer.set(values);
            }
        });
        store.valuesChanged();
        method.teacher().ifPresent(Teacher::copyStudent);
    }

    private static void add(Map<String, Computed> computed, String group, ParameterStore store) {
        for (Parameter parameter : store.parameters()) {
            float[] values = parameter.toTorchOrder(parameter.value().toFloats());
            computed.put(group + parameter.name(), Computed.of(longs(parameter.torchShape()), values));
        }
        store.buffers().forEach((name, buffer) ->
                computed.put(group + name, Computed.of(longs(buffer.shape().toArray()), buffer.toFloats())));
    }

    private static List<Long> longs(int... shape) {
        return Arrays.stream(shape).asLongStream().boxed().toList();
    }

    private static void feed(VectorCase vector, Tensor pixels, RunArena arena, String name, int views) {
        pixels.feed(memory(vector, pixels, arena, name, views));
    }

    /** What a step takes of a tensor of the file: the part of each view that belongs to this rank. */
    private static MemorySegment memory(VectorCase vector, Tensor takes, RunArena arena, String name, int views) {
        StoredTensor stored = vector.tensor(name);
        Group group = arena.device().group();
        if (stored.count() != takes.shape().count() * group.size()) {
            throw vector.fault("%s has shape %s, the step takes %s", name, stored.shape(), takes);
        }
        MemorySegment memory = arena.hostMemory(takes.bytes());
        float[] values = stored.toFloats();
        int part = Math.toIntExact(takes.shape().count() / views);
        for (int view = 0; view < views; view++) {
            MemorySegment.copy(
                    values, (view * group.size() + group.rank()) * part, memory, ValueLayout.JAVA_FLOAT,
                    (long) view * part * Float.BYTES, part);
        }
        return memory;
    }

    private static VitTiny vit(VectorCase vector, ParameterStore store) {
        VitTiny.Sizes sizes = new VitTiny.Sizes(
                vector.integer("encoder_width"), vector.integer("encoder_depth"), vector.integer("encoder_heads"));
        int size = vector.integer("size");
        return new VitTiny(store, size, size, vector.integer("patch"), sizes, VitTiny.Start.MAE);
    }

    private static Method method(VectorCase vector, Backbone backbone) {
        if (backbone instanceof VitTiny encoder) {
            return mae(vector, encoder);
        }
        int hidden = vector.integer("hidden");
        int dim = vector.integer("dim");
        return switch (vector.name()) {
            case "simclr" -> new SimClr(backbone, hidden, dim, vector.number("temperature"));
            case "barlow_twins" -> new BarlowTwins(
                    backbone, hidden, dim,
                    new BarlowTwinsOp.Config(vector.number("lambda"), vector.number("scale"), BATCH_NORM_EPS));
            case "byol" -> new Byol(backbone, SmallBackbone::new, hidden, dim, momentum(vector));
            case "dino" -> dino(vector, backbone, new DinoHead.Config(
                    hidden, dim, vector.integer("prototypes"), Mlp.Activation.RELU, false, false));
            case "dino_multicrop" -> dino(vector, backbone, new DinoHead.Config(
                    hidden, dim, vector.integer("prototypes"), Mlp.Activation.GELU, true, true));
            case "supervised" -> new Supervised(backbone, vector.number("positive_weight"));
            default -> throw new IllegalArgumentException(vector.name());
        };
    }

    private static MomentumCosine momentum(VectorCase vector) {
        return new MomentumCosine(
                vector.number("momentum"), vector.number("final_momentum"), vector.integer("steps"));
    }

    private static Dino dino(VectorCase vector, Backbone backbone, DinoHead.Config head) {
        TeacherTemperature temperature = new TeacherTemperature(
                vector.number("teacher_temperature_start"), vector.number("teacher_temperature"),
                vector.integer("teacher_temperature_epochs"), vector.integer("steps_per_epoch"));
        Dino.Config config = new Dino.Config(
                head, vector.number("student_temperature"), temperature, vector.number("center_momentum"),
                vector.integer("local"));
        return new Dino(backbone, SmallBackbone::new, config, momentum(vector));
    }

    /** With the masks of the file. */
    private static Mae mae(VectorCase vector, VitTiny encoder) {
        MaeDecoder.Sizes sizes = new MaeDecoder.Sizes(
                vector.integer("decoder_width"), vector.integer("decoder_depth"), vector.integer("decoder_heads"),
                LAYER_NORM_EPS);
        double ratio = vector.number("mask_ratio");
        int kept = (int) (encoder.patches() * (1 - ratio));
        return new Mae(
                encoder, new MaeDecoder(encoder, sizes), new Mae.Settings(ratio, true, false),
                (step, image, places) -> bringForward(vector.longs("in/visible." + step), image * kept, kept, places));
    }

    /** Swaps the places that stay to the front. */
    private static void bringForward(long[] visible, int from, int kept, int[] places) {
        for (int i = 0; i < kept; i++) {
            int at = i;
            while (places[at] != visible[from + i]) {
                at++;
            }
            places[at] = places[i];
            places[i] = (int) visible[from + i];
        }
    }

    private static Optimizer optimizer(VectorCase vector, RunArena arena, ParameterStore store) {
        Object name = vector.params().get("optimizer");
        double eps = vector.params().containsKey("eps") ? vector.number("eps") : 1e-8;
        return switch (String.valueOf(name)) {
            case "lars" -> new Lars(arena, store, 0.9, 1e-4, 0.02);
            case "adamw" -> new AdamW(arena, store, 0.9, 0.95, eps, 0.05);
            case "sgd" -> new Sgd(arena, store, 0.9, 1e-4, false);
            default -> throw vector.fault("parameter 'optimizer': unknown '%s'; known: lars, adamw, sgd", name);
        };
    }
}
