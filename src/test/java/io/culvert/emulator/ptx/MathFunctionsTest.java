package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** The library functions that nvcc inlines, against Java's in double: long chains of exact instructions. */
class MathFunctionsTest {
    private static final String[] SINGLE = {
        "exp", "log", "tanh", "erf", "sin", "cos", "pow", "log1p", "expm1", "cbrt", "atan2", "divide"
    };
    private static final String[] DOUBLE = {
        "exp", "log", "tanh", "sin", "cos", "pow", "log1p", "expm1", "cbrt", "inverse"
    };

    private static DoubleUnaryOperator function(String name) {
        return switch (name) {
            case "exp" -> Math::exp;
            case "log" -> x -> Math.log(Math.abs(x));
            case "tanh" -> Math::tanh;
            case "erf" -> MathFunctionsTest::erf;
            case "sin" -> Math::sin;
            case "cos" -> Math::cos;
            case "pow" -> x -> Math.pow(Math.abs(x), 1.7f);
            case "log1p" -> x -> Math.log1p(Math.abs(x));
            case "expm1" -> Math::expm1;
            case "cbrt" -> Math::cbrt;
            case "atan2" -> x -> Math.atan2(x, 0.5);
            case "divide" -> x -> x / 0.37f;
            default -> x -> 1 / x;
        };
    }

    /** Maclaurin's series: good in double up to about 3. */
    private static double erf(double x) {
        double term = x;
        double sum = x;
        for (int k = 1; k < 100; k++) {
            term *= -x * x / k;
            sum += term / (2 * k + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    private static float[] inputs() {
        float[] x = Gpu.random(1, 200);
        for (int i = 0; i < x.length; i++) {
            x[i] *= i < 100 ? 3 : 0.01f;
        }
        return x;
    }

    private static float[] singles(String file, float[] x) {
        Gpu gpu = new Gpu();
        int n = x.length;
        long out = gpu.empty(4L * n * SINGLE.length, "out");
        gpu.run(Gpu.kernel(file, "single_functions"), Dim3.of(2), Dim3.of(128), 0, out, gpu.put("x", x), n);
        return gpu.floats(out, n * SINGLE.length);
    }

    @Test
    void singlePrecision() {
        float[] x = inputs();
        float[] y = singles("math", x);
        for (int k = 0; k < SINGLE.length; k++) {
            for (int i = 0; i < x.length; i++) {
                double expected = function(SINGLE[k]).applyAsDouble(x[i]);
                // CUDA's manual states at most 2 units of the last place; 4 for powf.
                double tolerance = (SINGLE[k].equals("pow") ? 4 : 2) * Math.ulp((float) expected);
                assertThat((double) y[k * x.length + i])
                        .as("%s(%s)", SINGLE[k], x[i])
                        .isCloseTo(expected, within(tolerance));
            }
        }
    }

    @Test
    void fastSinglePrecision() {
        float[] x = inputs();
        float[] y = singles("math_fast", x);
        for (int k = 0; k < SINGLE.length; k++) {
            for (int i = 0; i < x.length; i++) {
                double expected = function(SINGLE[k]).applyAsDouble(x[i]);
                double tolerance = 1e-6 * Math.max(1, Math.abs(expected));
                assertThat((double) y[k * x.length + i])
                        .as("%s(%s)", SINGLE[k], x[i])
                        .isCloseTo(expected, within(tolerance));
            }
        }
    }

    @Test
    void doublePrecision() {
        double[] x = new double[200];
        for (int i = 0; i < x.length; i++) {
            x[i] = (i % 2 == 0 ? 1 : -0.03) * (0.017 + i * 0.0931);
        }
        Gpu gpu = new Gpu();
        long out = gpu.empty(8L * x.length * DOUBLE.length, "out");
        PtxKernel kernel = Gpu.kernel("math", "double_functions");
        gpu.run(kernel, Dim3.of(2), Dim3.of(128), 0, out, gpu.put("x", x), x.length);
        double[] y = gpu.doubles(out, x.length * DOUBLE.length);
        for (int k = 0; k < DOUBLE.length; k++) {
            for (int i = 0; i < x.length; i++) {
                boolean power = DOUBLE[k].equals("pow");
                double expected = power
                        ? Math.pow(Math.abs(x[i]), 1.7)
                        : function(DOUBLE[k]).applyAsDouble(x[i]);
                assertThat(y[k * x.length + i])
                        .as("%s(%s)", DOUBLE[k], x[i])
                        .isCloseTo(expected, within(3 * Math.ulp(expected)));
            }
        }
    }
}
