package io.culvert.ops.batchnorm;

import static io.culvert.ops.OpTestKit.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.DType;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Batch normalisation in brain floats by cuDNN's graphs, and by our kernels where it has no engine, against double loops. */
class CudnnBatchNormTest {
    /** Half a unit of 8 bits, at most, in each element. */
    private static final double ROUNDED = 1.0 / 256;

    private static final double SINGLE = 2e-6;
    private static final double STEP = 1e-6;
    private static final double EPS = 1e-5;

    /** How a layer lies in its network. */
    private record Layer(int[] shape, boolean relu, boolean residual, int groups, int gradients) {}

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void offerGraphs() {
        if (emulator != null) {
            emulator.refuseGraphs(false);
            emulator.varyGraphs(false);
        }
    }

    @ParameterizedTest(name = "[{0},{1},{2},{3}] relu {4} residual {5} groups {6} gradients {7}: {8} graphs")
    @CsvSource({
        "3, 2, 3, 8, false, false, 1, 1, 2",
        "4, 3, 1, 16, true, false, 1, 1, 2",
        "4, 2, 3, 8, true, false, 2, 1, 4",
        "6, 1, 1, 24, true, true, 3, 1, 6",
        "2, 3, 3, 8, true, true, 1, 1, 2",
        // Two gradients our kernels add in passing, only forward is the library's.
        "4, 2, 2, 8, true, true, 2, 2, 2",
        "3, 2, 2, 8, true, false, 1, 2, 1",
        // No engine: a sum without a ReLU, channels that fill no 16 bytes.
        "3, 2, 2, 8, false, true, 1, 1, 0",
        "3, 2, 2, 12, true, false, 1, 1, 0",
        // Groups that do not divide the images are parts of their pixels.
        "1, 2, 3, 8, true, false, 2, 1, 4"
    })
    void equalsItsTwin(
            int n, int h, int w, int c, boolean relu, boolean residual, int groups, int gradients, int graphs) {
        int before = emulator.graphRuns();
        check(new Layer(new int[] {n, h, w, c}, relu, residual, groups, gradients));
        assertThat(emulator.graphRuns() - before).as("graphs in two steps").isEqualTo(2 * graphs);
        assertThat(emulator.leaks()).isEmpty();
    }

    @Test
    void kernelsStandInWhereNoEngineIsOffered() {
        emulator.refuseGraphs(true);
        PrintStream stderr = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        int before = emulator.graphRuns();
        try {
            check(new Layer(new int[] {4, 2, 3, 8}, true, false, 2, 1));
            check(new Layer(new int[] {4, 2, 3, 8}, true, true, 2, 1));
        } finally {
            System.setErr(stderr);
        }
        assertThat(emulator.graphRuns()).isEqualTo(before);
        assertThat(said.toString(StandardCharsets.UTF_8))
                .contains("cuDNN has no engine for batch normalisation + ReLU forward of [2,2,3,8]")
                .contains("cuDNN has no engine for batch normalisation + residual + ReLU backward of [2,2,3,8]");
    }

    @Test
    void anEngineThatDoesNotRepeatIsNotTaken() {
        emulator.varyGraphs(true);
        int before = emulator.graphRuns();
        check(new Layer(new int[] {3, 2, 3, 8}, true, false, 1, 1));
        assertThat(emulator.graphRuns()).isEqualTo(before);
    }

    @Test
    void singlePrecisionIsOurKernels() {
        int before = emulator.graphRuns();
        check(new Layer(new int[] {4, 2, 3, 8}, true, true, 2, 1), Precision.FP32);
        assertThat(emulator.graphRuns()).isEqualTo(before);
    }

    private static void check(Layer layer) {
        check(layer, Precision.BF16);
    }

    private static Tensor input(Tape tape, RunArena arena, String name, DType type, int[] shape, double[] values) {
        Tensor tensor = tape.differentiate(tape.input(new Tensor(name, Shape.of(shape), type)));
        tensor.bind(arena.allocate(name, tensor.bytes()), 0);
        tensor.set(floats(values));
        return tensor;
    }

    private static void check(Layer layer, Precision precision) {
        boolean brain = precision == Precision.BF16;
        DType type = brain ? DType.BF16 : DType.F32;
        double rounded = brain ? ROUNDED : SINGLE;
        int channels = layer.shape[3];
        int count = Math.toIntExact(Shape.of(layer.shape).count());
        double[] x = normal(1, count);
        double[] other = layer.residual ? normal(2, count) : null;
        double[] weight = normal(3, channels);
        double[] bias = normal(4, channels);
        List<double[]> seeds = new ArrayList<>();
        double[] sum = new double[count];
        for (int i = 0; i < layer.gradients; i++) {
            seeds.add(normal(5 + i, count));
            for (int k = 0; k < count; k++) {
                sum[k] += seeds.getLast()[k];
            }
        }
        try (Device device = CudaDevice.open(0, precision);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            BatchNormState state = BatchNormState.declare(store, "bn", channels);
            Tape tape = new Tape(true);
            Tensor in = input(tape, arena, "x", type, layer.shape, x);
            Tensor residual = layer.residual ? input(tape, arena, "residual", type, layer.shape, other) : null;
            BatchNormOp.Config config = new BatchNormOp.Config(EPS, 0.1, layer.relu, layer.groups);
            Tensor y = tape.keep(BatchNormOp.record(tape, "bn", in, residual, state, config, true));
            List<Tensor> dy = new ArrayList<>();
            for (int i = 0; i < layer.gradients; i++) {
                dy.add(tape.seedGradient(y));
                dy.getLast().bind(arena.allocate("seed", y.bytes()), 0);
            }
            store.allocate(arena);
            state.weight().value().set(floats(weight));
            state.bias().value().set(floats(bias));
            tape.compile(arena);
            double[] mean = new double[channels];
            double[] variance = new double[channels];
            for (int step = 0; step < 2; step++) {
                store.zeroGradients();
                for (int i = 0; i < dy.size(); i++) {
                    dy.get(i).set(floats(seeds.get(i)));
                }
                tape.forward();
                move(layer, x, mean, variance);
                double[] want =
                        Reference.batchNorm(x, channels, weight, bias, other, EPS, layer.relu, layer.groups);
                assertClose("y", y.toFloats(), want, rounded);
                tape.backward();
                assertClose("running mean", state.runningMean().toFloats(), mean, SINGLE);
                assertClose("running variance", state.runningVar().toFloats(), variance, SINGLE);
            }
            Twin twin = new Twin(layer, x, other, weight, bias, sum);
            assertClose("dx", tape.gradients(in).getFirst().toFloats(), twin.gradient(x), rounded);
            if (layer.residual) {
                assertClose(
                        "dresidual", tape.gradients(residual).getFirst().toFloats(), twin.gradient(other), rounded);
            }
            assertClose("dweight", state.weight().gradient().toFloats(), twin.gradient(weight), 10 * SINGLE);
            assertClose("dbias", state.bias().gradient().toFloats(), twin.gradient(bias), 10 * SINGLE);
        }
    }

    /** PyTorch's rule, group after group. */
    private static void move(Layer layer, double[] x, double[] mean, double[] variance) {
        int channels = mean.length;
        int rows = x.length / channels / layer.groups;
        for (int group = 0; group < layer.groups; group++) {
            for (int c = 0; c < channels; c++) {
                double sum = 0;
                double squares = 0;
                for (int row = group * rows; row < (group + 1) * rows; row++) {
                    sum += x[row * channels + c];
                    squares += x[row * channels + c] * x[row * channels + c];
                }
                mean[c] = 0.9 * mean[c] + 0.1 * sum / rows;
                variance[c] = 0.9 * variance[c] + 0.1 * (squares - sum * sum / rows) / (rows - 1);
            }
        }
    }

    /** The sum of y weighted by its gradient, and its derivatives by central differences. */
    private record Twin(Layer layer, double[] x, double[] residual, double[] weight, double[] bias, double[] dy) {
        private double value() {
            double[] y = Reference.batchNorm(
                    x, weight.length, weight, bias, residual, EPS, layer.relu, layer.groups);
            double sum = 0;
            for (int i = 0; i < y.length; i++) {
                sum += y[i] * dy[i];
            }
            return sum;
        }

        /** @param of one of this twin's own arrays */
        double[] gradient(double[] of) {
            double[] gradient = new double[of.length];
            for (int i = 0; i < of.length; i++) {
                double kept = of[i];
                of[i] = kept + STEP;
                double up = value();
                of[i] = kept - STEP;
                gradient[i] = (up - value()) / (2 * STEP);
                of[i] = kept;
            }
            return gradient;
        }
    }

    /** Normal numbers that are brain floats. */
    private static double[] normal(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = Math.rint(random.nextGaussian() * 32) / 32;
        }
        return values;
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
