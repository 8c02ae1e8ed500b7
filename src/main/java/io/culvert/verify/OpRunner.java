package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.model.PositionResampling;
import io.culvert.ops.add.AddOp;
import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.attention.ClassAttentionOp;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.conv2d.Conv2dOp;
import io.culvert.ops.gelu.BiasGeluOp;
import io.culvert.ops.gelu.GeluOp;
import io.culvert.ops.l2normalize.L2NormalizeOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.masking.ChosenPatchesOp;
import io.culvert.ops.masking.PlacedTokensOp;
import io.culvert.ops.masking.Places;
import io.culvert.ops.masking.UnshuffleOp;
import io.culvert.ops.mlp.MlpOp;
import io.culvert.ops.patchembed.PatchEmbedOp;
import io.culvert.ops.pool.GlobalAvgPoolOp;
import io.culvert.ops.pool.MaxPoolOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.ops.softmax.SoftmaxOp;
import io.culvert.ops.tokens.Resampling;
import io.culvert.ops.tokens.TokenSliceOp;
import io.culvert.ops.tokens.TokensOp;
import io.culvert.ops.weightnorm.WeightNormLinearOp;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Single operations. */
final class OpRunner implements CaseRunner {
    static final List<String> NAMES = List.of(
            "conv2d",
            "batch_norm",
            "batch_norm_eval",
            "linear",
            "relu",
            "max_pool2d",
            "global_avg_pool",
            "l2_normalize",
            "layer_norm",
            "gelu",
            "softmax",
            "attention",
            "qkv_attention",
            "class_attention",
            "patch_embed",
            "tokens",
            "resampled_tokens",
            "weight_norm_linear",
            "class_token",
            "patch_tokens",
            "visible_patches",
            "placed_tokens",
            "unshuffle",
            "bias_gelu",
            "mlp",
            "add");

    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        TapeRun run = new TapeRun(vector, arena);
        return switch (vector.name()) {
            case "conv2d" -> conv2d(vector, run);
            case "batch_norm" -> batchNorm(vector, run, true);
            case "batch_norm_eval" -> batchNorm(vector, run, false);
            case "linear" -> linear(vector, run);
            case "relu" -> run.run("y", ReluOp.record(run.tape, "relu", run.input("x", Layout.SAME)), Layout.SAME);
            case "max_pool2d" -> maxPool2d(vector, run);
            case "global_avg_pool" -> {
                Tensor x = run.input("x", 4, Layout.CHANNELS_LAST);
                yield run.run("y", GlobalAvgPoolOp.record(run.tape, "global_avg_pool", x), Layout.SAME);
            }
            case "l2_normalize" -> {
                Tensor x = run.input("x", Layout.SAME);
                yield run.run("y", L2NormalizeOp.record(run.tape, "l2_normalize", x), Layout.SAME);
            }
            case "layer_norm" -> layerNorm(vector, run);
            case "gelu" -> run.run("y", GeluOp.record(run.tape, "gelu", run.input("x", Layout.SAME)), Layout.SAME);
            case "softmax" -> {
                Tensor x = run.input("x", Layout.SAME);
                yield run.run("y", SoftmaxOp.record(run.tape, "softmax", x), Layout.SAME);
            }
            case "attention" -> attention(vector, run);
            case "qkv_attention" -> qkvAttention(vector, run);
            case "class_attention" -> classAttention(vector, run);
            case "patch_embed" -> patchEmbed(vector, run);
            case "tokens" -> tokens(vector, run);
            case "patch_tokens" -> {
                Tensor x = run.input("x", 3, Layout.SAME);
                if (x.shape().at(1) < 2) {
                    throw vector.fault("in/x must have at least 2 tokens");
                }
                yield run.run("y", TokenSliceOp.patches(run.tape, "patch_tokens", x), Layout.SAME);
            }
            case "visible_patches" -> visiblePatches(vector, run);
            case "placed_tokens" -> placedTokens(vector, run);
            case "unshuffle" -> unshuffle(vector, run);
            case "resampled_tokens" -> resampledTokens(vector, run);
            case "weight_norm_linear" -> weightNormLinear(vector, run);
            case "class_token" -> {
                Tensor x = run.input("x", 3, Layout.SAME);
                yield run.run("y", TokenSliceOp.classToken(run.tape, "class_token", x), Layout.SAME);
            }
            case "bias_gelu" -> biasGelu(vector, run);
            case "mlp" -> mlp(vector, run);
            case "add" -> {
                Tensor a = run.input("a", Layout.SAME);
                Tensor b = run.input("b", Layout.SAME);
                if (!a.shape().equals(b.shape())) {
                    throw vector.fault("in/a and in/b must have one shape");
                }
                yield run.run("y", AddOp.record(run.tape, "add", a, b), Layout.SAME);
            }
            default -> throw vector.unknownName(NAMES);
        };
    }

    private static Map<String, Computed> conv2d(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 4, Layout.CHANNELS_LAST);
        Parameter weight = run.parameter("weight", 4);
        Tensor y = Conv2dOp.record(run.tape, "conv2d", x, weight, vector.integer("stride"), vector.integer("padding"));
        return run.run("y", y, Layout.CHANNELS_LAST);
    }

    private static Map<String, Computed> batchNorm(VectorCase vector, TapeRun run, boolean training) {
        if (vector.tensor("in/x").shape().size() < 2) {
            throw vector.fault(
                    "in/x must have at least 2 axes, has shape %s",
                    vector.tensor("in/x").shape());
        }
        Tensor x = run.input("x", Layout.CHANNELS_LAST);
        int channels = x.shape().at(-1);
        BatchNormState state = new BatchNormState(
                run.parameter("weight", 1),
                run.parameter("bias", 1),
                run.store.buffer("running_mean", channels),
                run.store.buffer("running_var", channels));
        if (state.weight().torchShape()[0] != channels || state.bias().torchShape()[0] != channels) {
            throw vector.fault("param/weight and param/bias must have %d elements, as in/x has channels", channels);
        }
        double momentum = training ? vector.number("momentum") : 0;
        BatchNormOp.Config config = new BatchNormOp.Config(vector.number("eps"), momentum, false, 1);
        return run.run(
                "y",
                BatchNormOp.record(run.tape, "batch_norm", x, null, state, config, training),
                Layout.CHANNELS_LAST);
    }

    private static Map<String, Computed> layerNorm(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", Layout.SAME);
        Parameter weight = run.parameter("weight", 1);
        Parameter bias = run.parameter("bias", 1);
        int width = x.shape().at(-1);
        if (weight.torchShape()[0] != width || bias.torchShape()[0] != width) {
            throw vector.fault("param/weight and param/bias must have %d elements, as the last axis of in/x", width);
        }
        Tensor y = LayerNormOp.record(run.tape, "layer_norm", x, weight, bias, vector.number("eps"));
        return run.run("y", y, Layout.SAME);
    }

    private static Map<String, Computed> attention(VectorCase vector, TapeRun run) {
        Tensor q = run.input("q", 4, Layout.SAME);
        Tensor k = run.input("k", 4, Layout.SAME);
        Tensor v = run.input("v", 4, Layout.SAME);
        if (!q.shape().equals(k.shape()) || !q.shape().equals(v.shape())) {
            throw vector.fault("in/q, in/k and in/v must have one shape");
        }
        Tensor y = AttentionOp.record(run.tape, "attention", q, k, v, vector.number("scale"));
        return run.run("y", y, Layout.SAME);
    }

    private static Map<String, Computed> qkvAttention(VectorCase vector, TapeRun run) {
        Tensor qkv = run.input("qkv", 3, Layout.SAME);
        int heads = vector.integer("heads");
        if (heads < 1 || qkv.shape().at(2) % (3 * heads) != 0) {
            throw vector.fault("the last axis of in/qkv must be 3 x heads x the width of a head");
        }
        Tensor y = AttentionOp.record(run.tape, "qkv_attention", qkv, heads, vector.number("scale"));
        return run.run("y", y, Layout.SAME);
    }

    private static Map<String, Computed> classAttention(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 3, Layout.SAME);
        Parameter weight = run.parameter("weight", 2);
        Parameter bias = run.parameter("bias", 1);
        int heads = vector.integer("heads");
        int[] w = weight.torchShape();
        if (heads < 1 || w[0] % (3 * heads) != 0 || w[1] != x.shape().at(2) || bias.torchShape()[0] != w[0]) {
            throw vector.fault("param/weight must be [3 x heads x the width of a head, that of in/x], with as many biases");
        }
        Tensor y = ClassAttentionOp.record(
                run.tape, "class_attention", x, weight, bias, heads, vector.number("scale"));
        return run.run("y", y, Layout.SAME);
    }

    private static Map<String, Computed> patchEmbed(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 4, Layout.CHANNELS_LAST);
        Parameter weight = run.parameter("weight", 4);
        Parameter bias = run.parameter("bias", 1);
        int[] w = weight.torchShape();
        int patch = vector.integer("patch");
        if (w[1] != x.shape().at(3) || w[2] != patch || w[3] != patch || bias.torchShape()[0] != w[0]) {
            throw vector.fault("param/weight and param/bias do not fit in/x and patch %d", patch);
        }
        if (x.shape().at(1) % patch != 0 || x.shape().at(2) % patch != 0) {
            throw vector.fault("patches of %d do not tile in/x", patch);
        }
        return run.run("y", PatchEmbedOp.record(run.tape, "patch_embed", x, weight, bias), Layout.SAME);
    }

    private static Map<String, Computed> tokens(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 3, Layout.SAME);
        Parameter token = run.parameter("cls_token", 3);
        Parameter position = run.parameter("pos_embed", 3);
        int width = x.shape().at(2);
        if (token.value().shape().count() != width
                || position.value().shape().count() != (x.shape().at(1) + 1L) * width) {
            throw vector.fault("param/cls_token and param/pos_embed do not fit in/x");
        }
        return run.run("y", TokensOp.record(run.tape, "tokens", x, token, position), Layout.SAME);
    }

    /** Which of the places that stay a place is, -1 if none. */
    private static int[] slots(VectorCase vector, long[] visible, int images, int places) {
        int[] slots = new int[Math.multiplyExact(images, places)];
        Arrays.fill(slots, -1);
        int kept = visible.length / images;
        for (int i = 0; i < visible.length; i++) {
            int image = i / kept * places;
            if (visible[i] < 0 || visible[i] >= places || slots[image + (int) visible[i]] >= 0) {
                throw vector.fault("in/visible must name each of %d places at most once, has %d", places, visible[i]);
            }
            slots[image + (int) visible[i]] = i % kept;
        }
        return slots;
    }

    /** The case's in/visible: the places of so many patches for each image. */
    private static long[] visible(VectorCase vector, int images) {
        if (!vector.tensor("in/visible", 2).shape().getFirst().equals((long) images)) {
            throw vector.fault("in/visible must have a row for each of %d images", images);
        }
        return vector.longs("in/visible");
    }

    private static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }

    /** Positions in single precision, whatever the rest is. */
    private static Tensor positions(VectorCase vector, TapeRun run, int width) {
        StoredTensor given = vector.tensor("in/pos_embed", 3);
        if (given.shape().get(2) != width || given.shape().get(1) < 2) {
            throw vector.fault("in/pos_embed must be [1, 1 + places, %d]", width);
        }
        return run.data("pos_embed", given.toFloats(), 1, Math.toIntExact(given.shape().get(1)), width);
    }

    private static Map<String, Computed> visiblePatches(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 4, Layout.CHANNELS_LAST);
        int patch = vector.integer("patch");
        if (patch < 1 || x.shape().at(1) % patch != 0 || x.shape().at(2) % patch != 0) {
            throw vector.fault("patches of %d do not tile in/x", patch);
        }
        int images = x.shape().at(0);
        int places = x.shape().at(1) / patch * (x.shape().at(2) / patch);
        long[] visible = visible(vector, images);
        int[] slots = slots(vector, visible, images, places);
        Tensor y = ChosenPatchesOp.record(
                run.tape, "visible_patches", x,
                new Places(
                        run.indices("visible", ints(visible), images, visible.length / images),
                        run.indices("slots", slots, images, places)),
                patch);
        return run.run("y", y, Layout.SAME);
    }

    private static Map<String, Computed> placedTokens(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 3, Layout.SAME);
        Parameter token = run.parameter("cls_token", 3);
        int images = x.shape().at(0);
        Tensor position = positions(vector, run, x.shape().at(2));
        long[] visible = visible(vector, images);
        slots(vector, visible, images, position.shape().at(1) - 1);
        if (visible.length != images * x.shape().at(1) || token.value().shape().count() != x.shape().at(2)) {
            throw vector.fault("in/visible and param/cls_token do not fit in/x");
        }
        Tensor places = run.indices("visible", ints(visible), images, x.shape().at(1));
        return run.run("y", PlacedTokensOp.record(run.tape, "placed_tokens", x, token, position, places), Layout.SAME);
    }

    private static Map<String, Computed> unshuffle(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 3, Layout.SAME);
        Parameter mask = run.parameter("mask_token", 3);
        int images = x.shape().at(0);
        Tensor position = positions(vector, run, x.shape().at(2));
        int places = position.shape().at(1) - 1;
        long[] visible = visible(vector, images);
        if (visible.length != images * (x.shape().at(1) - 1) || mask.value().shape().count() != x.shape().at(2)) {
            throw vector.fault("in/visible and param/mask_token do not fit in/x");
        }
        Tensor slots = run.indices("slots", slots(vector, visible, images, places), images, places);
        return run.run("y", UnshuffleOp.record(run.tape, "unshuffle", x, slots, mask, position), Layout.SAME);
    }

    private static Map<String, Computed> resampledTokens(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 3, Layout.SAME);
        Parameter token = run.parameter("cls_token", 3);
        Parameter position = run.parameter("pos_embed", 3);
        Resampling resampling = PositionResampling.of(
                vector.integer("height"), vector.integer("width"), vector.integer("to_height"), vector.integer("to_width"));
        try {
            return run.run("y", TokensOp.record(run.tape, "tokens", x, token, position, resampling), Layout.SAME);
        } catch (IllegalArgumentException e) {
            throw vector.fault("%s", e.getMessage());
        }
    }

    private static Map<String, Computed> weightNormLinear(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", Layout.SAME);
        Parameter length = run.parameter("weight_g", 2);
        Parameter direction = run.parameter("weight_v", 2);
        try {
            Tensor y = WeightNormLinearOp.record(run.tape, "weight_norm_linear", x, direction, length);
            return run.run("y", y, Layout.SAME);
        } catch (IllegalArgumentException e) {
            throw vector.fault("%s", e.getMessage());
        }
    }

    private static Map<String, Computed> biasGelu(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", Layout.SAME);
        Parameter bias = run.parameter("bias", 1);
        if (bias.torchShape()[0] != x.shape().at(-1)) {
            throw vector.fault("param/bias does not fit in/x");
        }
        return run.run("y", BiasGeluOp.record(run.tape, "bias_gelu", x, bias), Layout.SAME);
    }

    private static Map<String, Computed> mlp(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", Layout.SAME);
        MlpOp.Layer first = new MlpOp.Layer(run.parameter("fc1.weight", 2), run.parameter("fc1.bias", 1));
        MlpOp.Layer second = new MlpOp.Layer(run.parameter("fc2.weight", 2), run.parameter("fc2.bias", 1));
        if (!first.fits(x.shape().at(-1)) || !second.fits(first.width())) {
            throw vector.fault("param/fc1.* and param/fc2.* do not fit in/x");
        }
        return run.run("y", MlpOp.record(run.tape, "mlp", x, first, second), Layout.SAME);
    }

    private static Map<String, Computed> linear(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", Layout.SAME);
        Parameter weight = run.parameter("weight", 2);
        Parameter bias = vector.has("param/bias") ? run.parameter("bias", 1) : null;
        if (bias != null && bias.torchShape()[0] != weight.torchShape()[0]) {
            throw vector.fault("param/bias does not fit param/weight");
        }
        return run.run("y", LinearOp.record(run.tape, "linear", x, weight, bias), Layout.SAME);
    }

    private static Map<String, Computed> maxPool2d(VectorCase vector, TapeRun run) {
        Tensor x = run.input("x", 4, Layout.CHANNELS_LAST);
        Tensor y = MaxPoolOp.record(
                run.tape,
                "max_pool2d",
                x,
                vector.integer("kernel"),
                vector.integer("stride"),
                vector.integer("padding"));
        return run.run("y", y, Layout.CHANNELS_LAST);
    }
}
