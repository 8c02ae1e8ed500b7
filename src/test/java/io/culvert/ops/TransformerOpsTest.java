package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.add.AddOp;
import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.attention.ClassAttentionOp;
import io.culvert.ops.gelu.GeluOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.patchembed.PatchEmbedOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.ops.softmax.SoftmaxOp;
import io.culvert.ops.tokens.Resampling;
import io.culvert.ops.tokens.TokenSliceOp;
import io.culvert.ops.tokens.TokensOp;
import io.culvert.reference.Reference;
import io.culvert.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The operations of a vision transformer against their twins. */
class TransformerOpsTest {
    private static final double EPS = 1e-6;

    @ParameterizedTest
    @CsvSource({"1, 2", "5, 37", "33, 31"})
    void softmax(int rows, int width) {
        new OpTestKit()
                .input("x", rows, width)
                .check(
                        (tape, x, p, store) -> SoftmaxOp.record(tape, "softmax", x.get("x")),
                        v -> Reference.softmax(v.get("x"), width));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 33})
    void gelu(int count) {
        new OpTestKit()
                .input("x", count)
                .check((tape, x, p, store) -> GeluOp.record(tape, "gelu", x.get("x")), v -> Reference.gelu(v.get("x")));
    }

    @ParameterizedTest
    @CsvSource({"1, 3", "5, 37", "33, 31"})
    void layerNorm(int rows, int width) {
        new OpTestKit()
                .input("x", rows, width)
                .parameter("weight", width)
                .parameter("bias", width)
                .check(
                        (tape, x, p, store) -> LayerNormOp.record(
                                tape, "norm", x.get("x"), p.get("weight"), p.get("bias"), EPS),
                        v -> Reference.layerNorm(v.get("x"), width, v.get("weight"), v.get("bias"), EPS));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 2, 3", "2, 3, 5, 8", "1, 2, 17, 5"})
    void attention(int batch, int heads, int n, int d) {
        new OpTestKit()
                .input("q", batch, heads, n, d)
                .input("k", batch, heads, n, d)
                .input("v", batch, heads, n, d)
                .check(
                        (tape, x, p, store) ->
                                AttentionOp.record(tape, "attention", x.get("q"), x.get("k"), x.get("v"), 0.5),
                        v -> Reference.attention(v.get("q"), v.get("k"), v.get("v"), batch * heads, n, d, 0.5));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 3", "2, 5, 3, 8", "1, 17, 2, 5", "3, 7, 1, 16", "12, 3, 4, 3"})
    void packedAttention(int batch, int n, int heads, int d) {
        new OpTestKit()
                .input("qkv", batch, n, 3 * heads * d)
                .check(
                        (tape, x, p, store) -> AttentionOp.record(tape, "attention", x.get("qkv"), heads, 0.5),
                        v -> Reference.packedAttention(v.get("qkv"), batch, n, heads, d, 0.5));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 3, 2", "2, 5, 3, 8, 4", "1, 17, 2, 5, 7", "5, 3, 1, 16, 16", "3, 4, 17, 3, 1"})
    void classAttention(int batch, int n, int heads, int width, int d) {
        new OpTestKit()
                .input("x", batch, n, width)
                .parameter("weight", 3 * heads * d, width)
                .parameter("bias", 3 * heads * d)
                .check(
                        (tape, x, p, store) -> ClassAttentionOp.record(
                                tape, "attention", x.get("x"), p.get("weight"), p.get("bias"), heads, 0.5),
                        v -> Reference.classAttention(v.get("x"), v.get("weight"), v.get("bias"), batch, n, heads, 0.5));
    }

    /** Longer than a tile of queries: the values alone, for differences of each element would take minutes. */
    @ParameterizedTest
    @ValueSource(ints = {31, 33, 96, 97, 197, 1000})
    void attentionOfManyTokens(int n) {
        int d = 33;
        float[] qkv = new float[n * 3 * d];
        double[] wide = new double[qkv.length];
        for (int i = 0; i < qkv.length; i++) {
            qkv[i] = (float) (2 * Math.sin(i * 0.37 + 1e-3 * i * i));
            wide[i] = qkv[i];
        }
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            Tape tape = new Tape(false);
            Tensor x = tape.input(Tensor.f32("qkv", 1, n, 3 * d));
            x.bind(arena.allocate("qkv", x.bytes()), 0);
            Tensor y = tape.keep(AttentionOp.record(tape, "attention", x, 1, 0.2));
            tape.compile(arena);
            x.set(qkv);
            tape.forward();
            OpTestKit.assertClose("y", y.toFloats(), Reference.packedAttention(wide, 1, n, 1, d, 0.2), 2e-6);
        }
    }

    /** Of several tiles of queries: derivatives along q, k and v of a few tokens in each of the tiles. */
    @ParameterizedTest
    @CsvSource({"197, 16", "130, 64", "97, 33", "523, 5"})
    void attentionGradientsOfManyTokens(int n, int d) {
        float[] qkv = new float[n * 3 * d];
        double[] wide = new double[qkv.length];
        float[] seed = new float[n * d];
        for (int i = 0; i < qkv.length; i++) {
            qkv[i] = (float) (2 * Math.sin(i * 0.37 + 1e-3 * i * i));
            wide[i] = qkv[i];
        }
        for (int i = 0; i < seed.length; i++) {
            seed[i] = (float) Math.cos(i * 0.11 + 2e-4 * i * i);
        }
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            Tape tape = new Tape(true);
            Tensor x = tape.differentiate(tape.input(Tensor.f32("qkv", 1, n, 3 * d)));
            x.bind(arena.allocate("qkv", x.bytes()), 0);
            Tensor dy = tape.seedGradient(AttentionOp.record(tape, "attention", x, 1, 0.2));
            dy.bind(arena.allocate("dy", dy.bytes()), 0);
            tape.compile(arena);
            x.set(qkv);
            dy.set(seed);
            tape.forward();
            tape.backward();
            float[] dx = tape.gradients(x).getFirst().toFloats();
            double step = 1e-4;
            for (int part = 0; part < 3; part++) {
                for (int token : new int[] {0, 95, 96, n / 2, n - 1}) {
                    int at = (token * 3 + part) * d;
                    double along = 0;
                    double length = 0;
                    double[] up = wide.clone();
                    double[] down = wide.clone();
                    for (int c = 0; c < d; c++) {
                        double direction = Math.sin(1.3 * c + part);
                        along += direction * dx[at + c];
                        length += (double) dx[at + c] * dx[at + c];
                        up[at + c] += step * direction;
                        down[at + c] -= step * direction;
                    }
                    double difference = weighted(seed, up, n, d) - weighted(seed, down, n, d);
                    assertThat(along)
                            .as("part %d of token %d", part, token)
                            .isCloseTo(difference / (2 * step), within(1e-5 * Math.sqrt(d * length) + 1e-7));
                }
            }
        }
    }

    private static double weighted(float[] seed, double[] qkv, int n, int d) {
        double[] y = Reference.packedAttention(qkv, 1, n, 1, d, 0.2);
        double sum = 0;
        for (int i = 0; i < seed.length; i++) {
            sum += seed[i] * y[i];
        }
        return sum;
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 2, 1, 5, 2", "3, 4, 6, 3, 7, 2", "2, 6, 9, 2, 9, 3"})
    void patchEmbed(int n, int h, int w, int c, int width, int patch) {
        new OpTestKit()
                .input("x", n, h, w, c)
                .parameter("weight", width, c, patch, patch)
                .parameter("bias", width)
                .check(
                        (tape, x, p, store) ->
                                PatchEmbedOp.record(tape, "patches", x.get("x"), p.get("weight"), p.get("bias")),
                        v -> Reference.addBias(
                                Reference.conv2d(v.get("x"), n, h, w, c, v.get("weight"), width, patch, patch, 0),
                                v.get("bias")));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 5, 7", "65, 2, 9", "33, 3, 8"})
    void tokens(int n, int length, int width) {
        new OpTestKit()
                .input("x", n, length, width)
                .parameter("token", 1, 1, width)
                .parameter("position", 1, length + 1, width)
                .check(
                        (tape, x, p, store) ->
                                TokensOp.record(tape, "tokens", x.get("x"), p.get("token"), p.get("position")),
                        v -> Reference.tokens(v.get("x"), n, v.get("token"), v.get("position")));
    }

    /** Any matrix: which one is right for a change of size is PositionResampling's to know. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "3, 5, 7, 9", "33, 3, 8, 2", "2, 31, 4, 33"})
    void tokensWithPositionsOfAnotherGrid(int n, int length, int width, int learned) {
        float[] matrix = new float[(1 + length) * learned];
        double[] wide = new double[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            matrix[i] = i % 5 == 2 ? 0 : (float) Math.sin(1 + 0.7 * i);
            wide[i] = matrix[i];
        }
        Resampling resampling = new Resampling(learned, 1 + length, matrix);
        new OpTestKit()
                .input("x", n, length, width)
                .parameter("token", 1, 1, width)
                .parameter("position", 1, learned, width)
                .check(
                        (tape, x, p, store) -> TokensOp.record(
                                tape, "tokens", x.get("x"), p.get("token"), p.get("position"), resampling),
                        v -> Reference.tokens(
                                v.get("x"), n, v.get("token"),
                                Reference.product(wide, v.get("position"), learned)));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 5, 7", "33, 2, 8"})
    void classToken(int n, int length, int width) {
        new OpTestKit()
                .input("x", n, length, width)
                .check(
                        (tape, x, p, store) -> TokenSliceOp.classToken(tape, "class_token", x.get("x")),
                        v -> Reference.firstRows(v.get("x"), n, width));
    }

    /** Two residual connections, one in the other's branch: gradients that are shared must not be added to. */
    @ParameterizedTest
    @ValueSource(ints = {1, 9, 17})
    void residual(int count) {
        new OpTestKit()
                .input("x", count)
                .check(
                        (tape, x, p, store) -> {
                            Tensor start = GeluOp.record(tape, "start", x.get("x"));
                            Tensor inner = GeluOp.record(tape, "inner", start);
                            Tensor middle = AddOp.record(tape, "first", start, inner);
                            Tensor outer = ReluOp.record(tape, "outer", middle);
                            Tensor again = GeluOp.record(tape, "again", inner);
                            Tensor both = AddOp.record(tape, "second", outer, again);
                            return AddOp.record(tape, "third", middle, both);
                        },
                        v -> Reference.residual(Reference.gelu(v.get("x"))));
    }

    /** A residual connection around a normalisation, which takes the connection's gradient into its own. */
    @ParameterizedTest
    @CsvSource({"1, 3", "5, 17", "66, 2"})
    void residualAroundLayerNorm(int rows, int width) {
        new OpTestKit()
                .input("x", rows, width)
                .parameter("gain", width)
                .parameter("offset", width)
                .parameter("weight", width, width)
                .check(
                        (tape, x, p, store) -> {
                            Tensor start = GeluOp.record(tape, "start", x.get("x"));
                            Tensor h = LayerNormOp.record(tape, "norm", start, p.get("gain"), p.get("offset"), 1e-5);
                            return LinearOp.record(tape, "linear", h, p.get("weight"), null, start);
                        },
                        v -> {
                            double[] start = Reference.gelu(v.get("x"));
                            double[] h = Reference.layerNorm(start, width, v.get("gain"), v.get("offset"), 1e-5);
                            return Reference.addBias(start, Reference.linear(h, width, v.get("weight"), null));
                        });
    }
}
