package io.culvert.model;

import io.culvert.CulvertException;
import io.culvert.ops.Tape;
import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.attention.ClassAttentionOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.mlp.MlpOp;
import io.culvert.ops.mlp.MlpOp.Layer;
import io.culvert.ops.tokens.TokenSliceOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** A block of a vision transformer: attention, then two linear layers with a GELU between, each added to what went in. */
final class Block {
    /** How much wider the hidden layer is than the tokens. */
    private static final int EXPANSION = 4;

    private final String name;
    private final int heads;
    private final double scale;
    private final double eps;
    private final Parameter norm1Weight;
    private final Parameter norm1Bias;
    private final Parameter qkvWeight;
    private final Parameter qkvBias;
    private final Parameter projWeight;
    private final Parameter projBias;
    private final Parameter norm2Weight;
    private final Parameter norm2Bias;
    private final Parameter fc1Weight;
    private final Parameter fc1Bias;
    private final Parameter fc2Weight;
    private final Parameter fc2Bias;

    /** @param eps added to the variance in the two normalisations */
    Block(ParameterStore store, String name, int width, int heads, double eps) {
        this.name = name;
        this.heads = heads;
        this.eps = eps;
        scale = 1 / Math.sqrt((double) width / heads);
        int hidden = EXPANSION * width;
        norm1Weight = store.parameter(name + ".norm1.weight", width);
        norm1Bias = store.parameter(name + ".norm1.bias", width);
        qkvWeight = store.parameter(name + ".attn.qkv.weight", 3 * width, width);
        qkvBias = store.parameter(name + ".attn.qkv.bias", 3 * width);
        projWeight = store.parameter(name + ".attn.proj.weight", width, width);
        projBias = store.parameter(name + ".attn.proj.bias", width);
        norm2Weight = store.parameter(name + ".norm2.weight", width);
        norm2Bias = store.parameter(name + ".norm2.bias", width);
        fc1Weight = store.parameter(name + ".mlp.fc1.weight", hidden, width);
        fc1Bias = store.parameter(name + ".mlp.fc1.bias", hidden);
        fc2Weight = store.parameter(name + ".mlp.fc2.weight", width, hidden);
        fc2Bias = store.parameter(name + ".mlp.fc2.bias", width);
    }

    /**
     * Whether attention can share the width among the heads.
     *
     * @param key what the user sets to choose the heads
     * @throws CulvertException (usage) if not
     */
    static void requireHeads(String key, int width, int heads) {
        if (heads < 1 || width % heads != 0) {
            throw CulvertException.usage("%s: %d heads do not share a width of %d: take one of its divisors", key, heads, width);
        }
    }

    /** {@code [N, T, width]} from the same. */
    Tensor record(Tape tape, Tensor x) {
        return afterAttention(tape, x, attention(tape, x));
    }

    /**
     * Some tokens of what {@link #record} returns, from all of x {@code [N, T, width]}: behind attention tokens know nothing of each
     * other, and those that nobody reads need not go on.
     *
     * @param choice records which, from a name and {@code [N, T, width]}
     */
    Tensor recordSome(Tape tape, Tensor x, BiFunction<String, Tensor, Tensor> choice) {
        Tensor seen = choice.apply(name + ".attn", attention(tape, x));
        return afterAttention(tape, choice.apply(name, x), seen);
    }

    /** The first token of what {@link #record} returns, {@code [N, width]}, from all of x {@code [N, T, width]}: nobody makes the others' q, k and v. */
    Tensor recordClassToken(Tape tape, Tensor x) {
        Tensor seen = ClassAttentionOp.record(tape, name + ".attn", norm1(tape, x), qkvWeight, qkvBias, heads, scale);
        return afterAttention(tape, TokenSliceOp.classToken(tape, name + ".class_token", x), seen);
    }

    private Tensor norm1(Tape tape, Tensor x) {
        return LayerNormOp.record(tape, name + ".norm1", x, norm1Weight, norm1Bias, eps);
    }

    private Tensor attention(Tape tape, Tensor x) {
        Tensor h = LinearOp.record(tape, name + ".attn.qkv", norm1(tape, x), qkvWeight, qkvBias);
        return AttentionOp.record(tape, name + ".attn", h, heads, scale);
    }

    private Tensor afterAttention(Tape tape, Tensor x, Tensor attended) {
        Tensor middle = LinearOp.record(tape, name + ".attn.proj", attended, projWeight, projBias, x);
        Tensor h = LayerNormOp.record(tape, name + ".norm2", middle, norm2Weight, norm2Bias, eps);
        return MlpOp.record(
                tape, name + ".mlp", h, new Layer(fc1Weight, fc1Bias), new Layer(fc2Weight, fc2Bias), middle);
    }

    /** @param matrix draws the initial values of a linear layer's weight */
    void initialise(Init init, Consumer<Parameter> matrix) {
        List.of(qkvWeight, projWeight, fc1Weight, fc2Weight).forEach(matrix);
        for (Parameter bias : List.of(qkvBias, projBias, fc1Bias, fc2Bias, norm1Bias, norm2Bias)) {
            init.constant(bias, 0f);
        }
        init.constant(norm1Weight, 1f);
        init.constant(norm2Weight, 1f);
    }
}
