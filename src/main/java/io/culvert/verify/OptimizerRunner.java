package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.optim.AdamW;
import io.culvert.optim.GradientScale;
import io.culvert.optim.Groups;
import io.culvert.optim.Lars;
import io.culvert.optim.Optimizer;
import io.culvert.optim.Sgd;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Optimisers: some steps on given gradients. */
final class OptimizerRunner implements CaseRunner {
    static final List<String> NAMES = List.of("sgd", "lars", "adamw");

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        if (!NAMES.contains(vector.name())) {
            throw vector.unknownName(NAMES);
        }
        Map<String, StoredTensor> given = vector.group("param");
        if (given.isEmpty()) {
            throw vector.fault("has no parameter: no tensor begins with param/");
        }
        ParameterStore store = new ParameterStore();
        given.forEach((name, value) -> store.parameter(name, TapeRun.extents(value.shape())));
        store.allocate(arena);
        for (Parameter parameter : store.parameters()) {
            parameter
                    .value()
                    .set(parameter.fromTorchOrder(given.get(parameter.name()).toFloats()));
        }
        store.valuesChanged();
        Optimizer optimizer = optimizer(vector, arena, store);
        if (vector.params().containsKey("final_weight_decay")) {
            optimizer.decayTo(vector.number("final_weight_decay"), vector.integer("updates"));
        }
        GradientScale clip = vector.params().containsKey("clip")
                ? new GradientScale(arena, store, 1, clip(vector, store))
                : null;
        double learningRate = vector.number("lr");
        int steps = vector.integer("steps");
        for (int step = 0; step < steps; step++) {
            for (Parameter parameter : store.parameters()) {
                setGradient(vector, parameter, "in/grad." + step + "/" + parameter.name(), given);
            }
            if (clip != null) {
                clip.apply();
            }
            optimizer.step(learningRate);
        }
        Map<String, Computed> computed = new LinkedHashMap<>();
        for (Parameter parameter : store.parameters()) {
            float[] values = parameter.toTorchOrder(parameter.value().toFloats());
            computed.put(
                    "out/" + parameter.name(),
                    Computed.of(given.get(parameter.name()).shape(), values));
        }
        return computed;
    }

    private static Optimizer optimizer(VectorCase vector, RunArena arena, ParameterStore store) {
        double weightDecay = vector.number("weight_decay");
        Map<String, Object> params = vector.params();
        Groups groups = new Groups(
                !params.containsKey("decay_vectors") || vector.flag("decay_vectors"),
                params.containsKey("vector_rate") ? vector.number("vector_rate") : 1,
                named(vector, "last", store),
                params.containsKey("frozen") ? vector.integer("frozen") : 0);
        return switch (vector.name()) {
            case "sgd" -> new Sgd(arena, store, groups, vector.number("momentum"), weightDecay, vector.flag("nesterov"));
            case "lars" -> new Lars(
                    arena, store, groups, vector.number("momentum"), weightDecay, vector.number("trust_coefficient"),
                    "lightly".equals(params.get("form")) ? Lars.Form.LIGHTLY : Lars.Form.BARLOW);
            case "adamw" -> new AdamW(
                    arena,
                    store,
                    groups,
                    vector.number("beta1"),
                    vector.number("beta2"),
                    vector.number("eps"),
                    weightDecay);
            default -> throw new IllegalArgumentException(vector.name());
        };
    }

    private static GradientScale.Clip clip(VectorCase vector, ParameterStore store) {
        List<Parameter> spared = named(vector, "clip_spares", store);
        return new GradientScale.Clip(
                vector.number("clip"),
                "global".equals(vector.params().get("clip_by")),
                store.parameters().stream().filter(parameter -> !spared.contains(parameter)).toList());
    }

    /** The parameters that a list of the vector's params names; none if it has no such list. */
    private static List<Parameter> named(VectorCase vector, String key, ParameterStore store) {
        return vector.params().get(key) instanceof List<?> names
                ? store.parameters().stream().filter(parameter -> names.contains(parameter.name())).toList()
                : List.of();
    }

    private static void setGradient(
            VectorCase vector, Parameter parameter, String name, Map<String, StoredTensor> given) {
        StoredTensor gradient = vector.tensor(name);
        List<Long> shape = given.get(parameter.name()).shape();
        if (!gradient.shape().equals(shape)) {
            throw vector.fault("%s has shape %s, its parameter %s", name, gradient.shape(), shape);
        }
        parameter.gradient().set(parameter.fromTorchOrder(gradient.toFloats()));
    }
}
