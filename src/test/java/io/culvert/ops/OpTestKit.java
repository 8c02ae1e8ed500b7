package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * Holds an op against a plain double-precision twin: its values directly, its gradients by central differences of the
 * twin. Inputs are in the op's own layout, parameters in PyTorch's.
 */
public final class OpTestKit {
    /** Relative error in the 2-norm that single precision is allowed: values, gradients. One table for all ops. */
    public static final double VALUE_TOLERANCE = 2e-6;

    public static final double GRADIENT_TOLERANCE = 1e-5;

    private static final double STEP = 1e-6;

    /** Records the op under test on named inputs and parameters and returns its output. */
    public interface Recorder {
        Tensor record(Tape tape, Map<String, Tensor> inputs, Map<String, Parameter> parameters, ParameterStore store);
    }

    /** The twin: named inputs and parameters to the output's elements. */
    public interface Twin {
        double[] apply(Map<String, double[]> values);
    }

    private final Map<String, int[]> inputShapes = new LinkedHashMap<>();
    private final Map<String, int[]> constantShapes = new LinkedHashMap<>();
    private final Map<String, int[]> integerShapes = new LinkedHashMap<>();
    private final Map<String, int[]> parameterShapes = new LinkedHashMap<>();
    private final Map<String, double[]> values = new LinkedHashMap<>();
    private final SplittableRandom random = new SplittableRandom(42);
    private int threads = 2;

    public OpTestKit input(String name, int... shape) {
        inputShapes.put(name, shape);
        values.put(name, normal(shape));
        return this;
    }

    /** An input whose elements are distinct and far apart compared with {@link #STEP}, for ops with kinks. */
    public OpTestKit distinctInput(String name, int... shape) {
        input(name, shape);
        double[] v = values.get(name);
        for (int i = v.length - 1; i >= 0; i--) {
            v[i] = (float) (0.01 * (i - v.length / 2) + 0.003);
        }
        for (int i = v.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            double swap = v[i];
            v[i] = v[j];
            v[j] = swap;
        }
        return this;
    }

    /** An input that gets no gradient. */
    public OpTestKit constant(String name, int... shape) {
        constantShapes.put(name, shape);
        values.put(name, normal(shape));
        return this;
    }

    /** Integers, one for each row of another input. */
    public OpTestKit labels(String name, int rows, int classes) {
        return integers(name, IntStream.range(0, rows).map(i -> random.nextInt(classes)).toArray(), rows);
    }

    /** Integers of any shape. */
    public OpTestKit integers(String name, int[] given, int... shape) {
        integerShapes.put(name, shape);
        values.put(name, Arrays.stream(given).asDoubleStream().toArray());
        return this;
    }

    /** Replaces each value v of an input by {@code change(v)}, rounded to single precision. */
    public OpTestKit map(String name, DoubleUnaryOperator change) {
        double[] v = values.get(name);
        Arrays.setAll(v, i -> (float) change.applyAsDouble(v[i]));
        return this;
    }

    public OpTestKit parameter(String name, int... torchShape) {
        parameterShapes.put(name, torchShape);
        values.put(name, normal(torchShape));
        return this;
    }

    public OpTestKit threads(int count) {
        threads = count;
        return this;
    }

    private double[] normal(int[] shape) {
        int count = 1;
        for (int extent : shape) {
            count *= extent;
        }
        double[] v = new double[count];
        for (int i = 0; i < count; i++) {
            v[i] = (float) random.nextGaussian();
        }
        return v;
    }

    /** Runs the op twice, as a step would be replayed, and compares values and every gradient. */
    public void check(Recorder recorder, Twin twin) {
        try (CpuDevice device = CpuDevice.open(threads);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Map<String, Parameter> parameters = new LinkedHashMap<>();
            parameterShapes.forEach((name, shape) -> parameters.put(name, store.parameter(name, shape)));
            Tape tape = new Tape(true);
            Map<String, Tensor> inputs = new LinkedHashMap<>();
            inputShapes.forEach((name, shape) -> {
                Tensor input = tape.differentiate(tape.input(Tensor.f32(name, shape)));
                input.bind(arena.allocate(name, input.bytes()), 0);
                input.set(floats(values.get(name)));
                inputs.put(name, input);
            });
            Map<String, Tensor> all = new LinkedHashMap<>(inputs);
            constantShapes.forEach((name, shape) -> {
                Tensor input = tape.input(Tensor.f32(name, shape));
                input.bind(arena.allocate(name, input.bytes()), 0);
                input.set(floats(values.get(name)));
                all.put(name, input);
            });
            integerShapes.forEach((name, shape) -> {
                Tensor input = tape.input(new Tensor(name, Shape.of(shape), DType.I32));
                input.bind(arena.allocate(name, input.bytes()), 0);
                input.setInts(Arrays.stream(values.get(name)).mapToInt(v -> (int) v).toArray());
                all.put(name, input);
            });
            Tensor y = tape.keep(recorder.record(tape, all, parameters, store));
            boolean loss = tape.ops().getLast() instanceof Loss;
            Tensor seed = loss ? null : tape.seedGradient(y);
            store.allocate(arena);
            parameters.forEach((name, p) -> p.value().set(p.fromTorchOrder(floats(values.get(name)))));
            store.valuesChanged();
            double[] gradOut = loss ? new double[] {1} : normal(y.shape().toArray());
            if (seed != null) {
                seed.bind(arena.allocate("seed", seed.bytes()), 0);
            }
            tape.compile(arena);
            for (int replay = 0; replay < 2; replay++) {
                if (seed != null) {
                    seed.set(floats(gradOut));
                }
                store.zeroGradients();
                tape.forward();
                float[] got = y.toFloats();
                tape.backward();
                assertClose("y", got, twin.apply(values), VALUE_TOLERANCE);
            }
            inputs.forEach((name, input) -> {
                float[] got = tape.gradients(input).getFirst().data().toArray(ValueLayout.JAVA_FLOAT);
                assertClose("grad/" + name, got, difference(twin, name, gradOut), GRADIENT_TOLERANCE);
            });
            parameters.forEach((name, parameter) -> {
                float[] got = parameter.toTorchOrder(parameter.gradient().toFloats());
                assertClose("grad/" + name, got, difference(twin, name, gradOut), GRADIENT_TOLERANCE);
            });
        }
    }

    /** The derivative of {@code sum(gradOut * twin)} with respect to each element, by central differences. */
    private double[] difference(Twin twin, String name, double[] gradOut) {
        double[] v = values.get(name);
        double[] gradient = new double[v.length];
        for (int i = 0; i < v.length; i++) {
            double kept = v[i];
            v[i] = kept + STEP;
            double up = dot(twin.apply(values), gradOut);
            v[i] = kept - STEP;
            double down = dot(twin.apply(values), gradOut);
            v[i] = kept;
            gradient[i] = (up - down) / (2 * STEP);
        }
        return gradient;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /** Asserts the relative error in the 2-norm. */
    public static void assertClose(String what, float[] got, double[] want, double tolerance) {
        assertThat(got).as(what).hasSameSizeAs(want);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            difference += (got[i] - want[i]) * (got[i] - want[i]);
            norm += want[i] * want[i];
        }
        double error = Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-12 * Math.sqrt(want.length));
        assertThat(error).as("relative error of " + what).isLessThanOrEqualTo(tolerance);
    }

    private static float[] floats(double[] v) {
        float[] f = new float[v.length];
        for (int i = 0; i < v.length; i++) {
            f[i] = (float) v[i];
        }
        return f;
    }
}
