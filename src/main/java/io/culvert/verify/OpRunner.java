package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.conv2d.Conv2dOp;
import io.culvert.ops.gelu.GeluOp;
import io.culvert.ops.l2normalize.L2NormalizeOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.pool.GlobalAvgPoolOp;
import io.culvert.ops.pool.MaxPoolOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.ops.softmax.SoftmaxOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
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
            "attention");

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
