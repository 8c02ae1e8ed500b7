package io.culvert.verify;

import io.culvert.CulvertException;
import io.culvert.device.RunArena;
import io.culvert.model.Backbone;
import io.culvert.model.ResNet18;
import io.culvert.model.VitTiny;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whole backbones, up to the pooled features. */
final class ModelRunner implements CaseRunner {
    static final List<String> NAMES = List.of("resnet18", "vit_tiny");

    private static final String BATCHES = "num_batches_tracked";

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        TapeRun run = new TapeRun(vector, arena);
        Backbone backbone = switch (vector.name()) {
            case "resnet18" -> new ResNet18(run.store, false);
            case "vit_tiny" -> vitTiny(vector, run);
            default -> throw vector.unknownName(NAMES);
        };
        checkNames(vector, backbone);
        boolean training = vector.flag("training");
        Tensor x = run.input("x", 4, Layout.CHANNELS_LAST);
        Tensor features = backbone.record(run.tape, x, training, 1);
        Map<String, Computed> computed = new LinkedHashMap<>(run.run("features", features, Layout.SAME));
        countBatches(vector, training, computed);
        return computed;
    }

    /** The image's extents are those of in/x: params' image_size says no more. */
    private static VitTiny vitTiny(VectorCase vector, TapeRun run) {
        List<Long> shape = vector.tensor("in/x", 4).shape();
        try {
            return new VitTiny(
                    run.store, Math.toIntExact(shape.get(2)), Math.toIntExact(shape.get(3)), vector.integer("patch"));
        } catch (CulvertException e) {
            throw vector.fault("params.patch does not tile in/x of shape %s", shape);
        }
    }

    /** timm's classifier may be in the file, for it loads as a checkpoint; the features do not depend on it. */
    private static void checkNames(VectorCase vector, Backbone backbone) {
        Set<String> known = new HashSet<>(Set.of("fc.weight", "fc.bias", "head.weight", "head.bias"));
        for (Parameter parameter : backbone.parameters()) {
            known.add(parameter.name());
        }
        for (StoredTensor given : vector.group("param").values()) {
            String name = given.name().substring("param/".length());
            if (!known.contains(name)) {
                throw vector.fault("%s has no parameter '%s'", backbone.name(), name);
            }
        }
        for (String name : vector.group("buffer").keySet()) {
            if (!backbone.store().buffers().containsKey(name) && !name.endsWith(BATCHES)) {
                throw vector.fault("%s has no buffer '%s'", backbone.name(), name);
            }
        }
    }

    /** PyTorch counts the batches that moved the running statistics; nothing computes with the count. */
    private static void countBatches(VectorCase vector, boolean training, Map<String, Computed> computed) {
        vector.group("buffer").forEach((name, given) -> {
            if (name.endsWith(BATCHES)) {
                computed.put("out/buffer/" + name, Computed.scalar(given.get(0) + (training ? 1 : 0)));
            }
        });
    }
}
