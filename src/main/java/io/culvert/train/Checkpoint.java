package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.device.Buffer;
import io.culvert.method.Teacher;
import io.culvert.model.Backbone;
import io.culvert.model.PositionResampling;
import io.culvert.model.Positions;
import io.culvert.optim.Optimizer;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.SafetensorsWriter;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a run keeps on disk, as safetensors. A checkpoint holds everything a run needs to go on bit for bit: values
 * under timm's names in PyTorch's layout, running statistics, the optimiser's slabs as {@code optimizer/KIND/NAME}, and a
 * teacher's values and statistics as {@code teacher/NAME}; the probe beside it likewise. An encoder file holds timm's state dictionary of the backbone alone and loads strictly there.
 */
public final class Checkpoint {
    private static final String STATE = "optimizer/";
    private static final String TEACHER = "teacher/";
    private static final String STEP = "step";
    private static final String OPTIMIZER = "optimizer";
    private static final String DIVERGED = "diverged";
    private static final String BATCHES = ".num_batches_tracked";
    private static final String RUNNING_VAR = ".running_var";
    /** timm's classifiers of both backbones. */
    private static final Set<String> CLASSIFIERS = Set.of("fc.weight", "fc.bias", "head.weight", "head.bias");
    /** Names that an error lists. */
    private static final int LISTED = 12;

    private Checkpoint() {}

    /** The name that PyTorch counts the batches under that moved this running variance. */
    private static String batchesOf(String buffer) {
        return buffer.replace(RUNNING_VAR, BATCHES);
    }

    /** Writes the whole state of a run after {@code trainer.steps()} steps, atomically. */
    public static void save(Path file, ParameterStore store, Trainer trainer, Map<String, String> metadata) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsWriter.write(file, ofRun(metadata, trainer), tensors(arena, store, trainer));
        }
    }

    /** As {@link #save}, with the batch of the step that failed. */
    static void saveDiverged(
            Path file, ParameterStore store, Trainer trainer, List<StoredTensor> batch, Map<String, String> metadata) {
        try (Arena arena = Arena.ofConfined()) {
            List<StoredTensor> tensors = tensors(arena, store, trainer);
            tensors.addAll(batch);
            Map<String, String> all = new TreeMap<>(ofRun(metadata, trainer));
            all.put(DIVERGED, "true");
            SafetensorsWriter.write(file, all, tensors);
        }
    }

    /** Whether a file is one of {@link #saveDiverged}'s. */
    static boolean isDiverged(SafetensorsFile saved) {
        return saved.metadata().containsKey(DIVERGED);
    }

    private static Map<String, String> ofRun(Map<String, String> metadata, Trainer trainer) {
        Map<String, String> all = new TreeMap<>(metadata);
        all.put(STEP, Integer.toString(trainer.steps()));
        all.put(OPTIMIZER, trainer.optimizer().name());
        return all;
    }

    private static List<StoredTensor> tensors(Arena arena, ParameterStore store, Trainer trainer) {
        List<StoredTensor> tensors = new ArrayList<>();
        for (Parameter parameter : store.parameters()) {
            tensors.add(stored(arena, parameter.name(), parameter, parameter.value().toFloats()));
        }
        addState(tensors, arena, store, trainer.optimizer());
        trainer.probe().ifPresent(probe -> {
            for (Parameter parameter : probe.store().parameters()) {
                tensors.add(stored(arena, parameter.name(), parameter, parameter.value().toFloats()));
            }
            addState(tensors, arena, probe.store(), probe.optimizer());
        });
        store.buffers().forEach((name, buffer) -> tensors.add(vector(arena, name, buffer)));
        teacher(trainer).ifPresent(teacher -> addTeacher(tensors, arena, teacher));
        return tensors;
    }

    /** Restores what {@link #save} wrote into an already recorded run. */
    public static void resume(Path file, ParameterStore store, Trainer trainer) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile saved = SafetensorsFile.map(file, arena);
            String optimizer = saved.metadata().get(OPTIMIZER);
            if (!trainer.optimizer().name().equals(optimizer)) {
                throw CulvertException.data(
                        "%s: its optimiser is %s, the configuration says %s: resume with the same one",
                        file, optimizer, trainer.optimizer().name());
            }
            readValues(saved, store.parameters(), store.buffers());
            readState(saved, store, trainer.optimizer());
            store.valuesChanged();
            trainer.probe().ifPresent(probe -> {
                readValues(saved, probe.store().parameters(), Map.of());
                readState(saved, probe.store(), probe.optimizer());
                probe.store().valuesChanged();
            });
            teacher(trainer).ifPresent(teacher -> readTeacher(saved, teacher));
            trainer.resumeAt(steps(saved));
        }
    }

    private static void addState(List<StoredTensor> tensors, Arena arena, ParameterStore store, Optimizer optimizer) {
        optimizer.state().forEach((kind, slab) -> {
            for (Parameter parameter : store.parameters()) {
                float[] state = view(slab, store, parameter).toFloats();
                tensors.add(stored(arena, STATE + kind + "/" + parameter.name(), parameter, state));
            }
        });
    }

    private static void readState(SafetensorsFile saved, ParameterStore store, Optimizer optimizer) {
        optimizer.state().forEach((kind, slab) -> {
            for (Parameter parameter : store.parameters()) {
                String name = STATE + kind + "/" + parameter.name();
                view(slab, store, parameter).set(read(saved, name, parameter));
            }
        });
    }

    private static Optional<ParameterStore> teacher(Trainer trainer) {
        return trainer.teacher().map(Teacher::store);
    }

    private static void addTeacher(List<StoredTensor> tensors, Arena arena, ParameterStore teacher) {
        for (Parameter parameter : teacher.parameters()) {
            tensors.add(stored(arena, TEACHER + parameter.name(), parameter, parameter.value().toFloats()));
        }
        teacher.buffers().forEach((name, buffer) -> tensors.add(vector(arena, TEACHER + name, buffer)));
    }

    private static void readTeacher(SafetensorsFile saved, ParameterStore teacher) {
        for (Parameter parameter : teacher.parameters()) {
            parameter.value().set(read(saved, TEACHER + parameter.name(), parameter));
        }
        teacher.buffers().forEach(
                (name, buffer) -> buffer.set(checked(saved, TEACHER + name, buffer.shape().toArray())));
        teacher.valuesChanged();
    }

    /** A parameter's part of an optimiser's slab, which is laid out as the values are. */
    private static Tensor view(Buffer slab, ParameterStore store, Parameter parameter) {
        Tensor value = parameter.value();
        Tensor view = new Tensor(value.name(), value.shape(), value.dtype());
        view.bind(slab, value.address() - store.values().address());
        return view;
    }

    /** The steps that a checkpoint has behind it. */
    public static int steps(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            return steps(SafetensorsFile.map(file, arena));
        }
    }

    private static int steps(SafetensorsFile saved) {
        String step = saved.metadata().get(STEP);
        if (step == null || !step.matches("\\d{1,9}")) {
            throw CulvertException.data("%s: no step in its metadata: it is not a checkpoint of a run", saved.path());
        }
        return Integer.parseInt(step);
    }

    /**
     * Writes the backbone as timm's state dictionary.
     *
     * @param batches forward passes that its batch normalisations have seen
     */
    public static void saveEncoder(Path file, Backbone backbone, long batches, Map<String, String> metadata) {
        try (Arena arena = Arena.ofConfined()) {
            List<StoredTensor> tensors = new ArrayList<>();
            for (Parameter parameter : backbone.parameters()) {
                tensors.add(stored(arena, parameter.name(), parameter, parameter.value().toFloats()));
            }
            backbone.buffers().forEach((name, buffer) -> {
                tensors.add(vector(arena, name, buffer));
                if (name.endsWith(RUNNING_VAR)) {
                    tensors.add(StoredTensor.longs(arena, batchesOf(name), List.of(), batches));
                }
            });
            SafetensorsWriter.write(file, metadata, tensors);
        }
    }

    /**
     * Loads a backbone from an encoder file or a file of timm's; its classifier, if any, is not used. Positions of
     * another image size are resampled.
     *
     * @throws CulvertException (data) that lists what the file lacks, or has and the backbone does not
     */
    static void loadEncoder(EncoderFile file, Backbone backbone) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile saved = SafetensorsFile.map(file.path(), arena);
            Set<String> lacking = missing(saved, backbone.parameters(), backbone.buffers());
            if (lacking.size() == backbone.parameters().size() + backbone.buffers().size()) {
                throw CulvertException.data(
                        "%s: has not one tensor of %s: it is of another architecture", file.path(), backbone.name());
            }
            if (!lacking.isEmpty() && !file.allowMissing()) {
                throw CulvertException.data(
                        "%s: lacks %s: is it of another architecture? --allow-missing leaves them as they are",
                        file.path(), listed(lacking));
            }
            Set<String> unknown = unknown(saved, backbone);
            if (!unknown.isEmpty() && !file.ignoreUnknown()) {
                throw CulvertException.data(
                        "%s: holds %s, which %s does not have; --ignore-unknown passes them over",
                        file.path(), listed(unknown), backbone.name());
            }
            Positions positions = backbone.positions()
                    .filter(p -> saved.has(p.value().name()))
                    .filter(p -> isOtherGrid(saved, p))
                    .orElse(null);
            Set<String> left = new TreeSet<>(lacking);
            if (positions != null) {
                positions.value().set(resampled(saved, positions));
                left.add(positions.value().name());
            }
            for (Parameter parameter : backbone.parameters()) {
                if (!left.contains(parameter.name())) {
                    parameter.value().set(read(saved, parameter.name(), parameter));
                }
            }
            backbone.buffers().forEach((name, buffer) -> {
                if (!left.contains(name)) {
                    readBuffer(saved, name, buffer);
                }
            });
            backbone.store().valuesChanged();
        }
    }

    private static Set<String> unknown(SafetensorsFile saved, Backbone backbone) {
        Set<String> unknown = new TreeSet<>();
        saved.tensors().forEach(tensor -> unknown.add(tensor.name()));
        CLASSIFIERS.forEach(unknown::remove);
        backbone.parameters().forEach(parameter -> unknown.remove(parameter.name()));
        unknown.removeAll(backbone.buffers().keySet());
        backbone.buffers().keySet().forEach(name -> unknown.remove(batchesOf(name)));
        return unknown;
    }

    private static String listed(Set<String> names) {
        String first = names.stream().limit(LISTED).collect(Collectors.joining(", "));
        return names.size() <= LISTED ? first : "%s and %d more".formatted(first, names.size() - LISTED);
    }

    /** Whether the file has positions that fit but for their number, which is a square and the class token's. */
    private static boolean isOtherGrid(SafetensorsFile saved, Positions positions) {
        int[] shape = positions.value().shape().toArray();
        List<Long> stored = saved.tensor(positions.value().name()).shape();
        return stored.size() == 3
                && stored.get(0) == 1
                && stored.get(1) != shape[1]
                && stored.get(2) == shape[2]
                && PositionResampling.side(stored.get(1)) > 0;
    }

    private static float[] resampled(SafetensorsFile saved, Positions positions) {
        String name = positions.value().name();
        int count = Math.toIntExact(saved.tensor(name).shape().get(1));
        int width = positions.value().shape().at(2);
        return PositionResampling.resample(
                checked(saved, name, 1, count, width), PositionResampling.side(count), positions.height(),
                positions.width(), width);
    }

    private static void readValues(SafetensorsFile saved, List<Parameter> parameters, Map<String, Tensor> buffers) {
        requireAll(saved, parameters, buffers);
        for (Parameter parameter : parameters) {
            parameter.value().set(read(saved, parameter.name(), parameter));
        }
        readBuffers(saved, buffers);
    }

    private static void readBuffers(SafetensorsFile saved, Map<String, Tensor> buffers) {
        buffers.forEach((name, buffer) -> readBuffer(saved, name, buffer));
    }

    private static void readBuffer(SafetensorsFile saved, String name, Tensor buffer) {
        buffer.set(checked(saved, name, buffer.shape().toArray()));
    }

    private static void requireAll(SafetensorsFile saved, List<Parameter> parameters, Map<String, Tensor> buffers) {
        Set<String> missing = missing(saved, parameters, buffers);
        if (!missing.isEmpty()) {
            throw CulvertException.data(
                    "%s: lacks %s: is it of another architecture?", saved.path(), listed(missing));
        }
    }

    private static Set<String> missing(SafetensorsFile saved, List<Parameter> parameters, Map<String, Tensor> buffers) {
        Set<String> missing = new TreeSet<>(buffers.keySet());
        parameters.forEach(parameter -> missing.add(parameter.name()));
        missing.removeIf(saved::has);
        return missing;
    }

    private static float[] read(SafetensorsFile saved, String name, Parameter parameter) {
        return parameter.fromTorchOrder(checked(saved, name, parameter.torchShape()));
    }

    private static float[] checked(SafetensorsFile saved, String name, int... shape) {
        if (!saved.has(name)) {
            throw CulvertException.data("%s: lacks %s: it cannot be resumed from", saved.path(), name);
        }
        StoredTensor tensor = saved.tensor(name);
        if (!tensor.shape().equals(longs(shape))) {
            throw CulvertException.data(
                    "%s: %s is %s, the model needs %s", saved.path(), name, tensor.shape(), Arrays.toString(shape));
        }
        float[] values = tensor.toFloats();
        boolean anything = isDiverged(saved);
        for (float value : values) {
            if (!anything && !Float.isFinite(value)) {
                throw CulvertException.data(
                        "%s: %s holds %s: go back to an earlier checkpoint", saved.path(), name, value);
            }
        }
        return values;
    }

    private static StoredTensor stored(Arena arena, String name, Parameter parameter, float[] stored) {
        return StoredTensor.floats(arena, name, longs(parameter.torchShape()), parameter.toTorchOrder(stored));
    }

    private static StoredTensor vector(Arena arena, String name, Tensor buffer) {
        return StoredTensor.floats(arena, name, longs(buffer.shape().toArray()), buffer.toFloats());
    }

    static List<Long> longs(int... shape) {
        return Arrays.stream(shape).asLongStream().boxed().toList();
    }
}
