package io.culvert.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Everything that an optimiser does at once, against plain loops in double precision: groups of parameters, a decay that
 * changes, a last layer that starts later, gradients that are averaged and clipped, a resumed run.
 */
class RecipeTest {
    private static final int STEPS = 6;
    private static final int FROZEN = 2;
    private static final int PASSES = 3;
    private static final double RATE = 0.05;
    private static final double VECTOR_RATE = 0.5;
    private static final double DECAY = 0.1;
    private static final double FINAL_DECAY = 0.4;
    private static final double MOMENTUM = 0.9;
    private static final double BETA2 = 0.99;
    private static final double EPS = 1e-3;
    private static final double TRUST = 0.02;

    /** Awkward sizes, and one that several threads and blocks share. */
    private static final int[][] SHAPES = {
        {1}, {31}, {33, 1}, {197}, {1000}, {1, 1, 197}, {31, 33}, {101, 103}, {2, 3, 3, 3}, {1, 7}, {33}, {33, 31}
    };

    /** The last two. */
    private static final int LAST = SHAPES.length - 2;

    /** Neither clipped nor in a global norm. */
    private static final int SPARED = 3;

    private final List<double[]> values = new ArrayList<>();
    private final List<double[]> first = new ArrayList<>();
    private final List<double[]> second = new ArrayList<>();

    @ParameterizedTest
    @CsvSource({
        "cpu, sgd, 0, global", "cpu, adamw, 3, tensor", "cpu, lars, 3, tensor", "cpu, lightly, 10, global",
        "emulator, sgd, 0, global", "emulator, adamw, 3, tensor", "emulator, lars, 3, tensor",
        "emulator, lightly, 10, global", "cpu, adamw, 10, global", "emulator, adamw, 10, global"
    })
    void equalsItsTwin(String where, String rule, double threshold, String by) {
        if (!where.equals("cpu")) {
            TestEmulator.install();
        }
        try (Device device = where.equals("cpu") ? CpuDevice.open(3) : CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            List<Parameter> parameters = new ArrayList<>();
            for (int i = 0; i < SHAPES.length; i++) {
                parameters.add(store.parameter("p" + i, SHAPES[i]));
            }
            store.allocate(arena);
            SplittableRandom random = new SplittableRandom(7);
            for (Parameter parameter : parameters) {
                float[] start = draw(random, parameter);
                parameter.value().set(start);
                values.add(widened(start));
                first.add(new double[start.length]);
                second.add(new double[start.length]);
            }
            GradientScale.Clip clip = threshold == 0
                    ? null
                    : new GradientScale.Clip(
                            threshold, by.equals("global"),
                            parameters.stream().filter(parameter -> parameters.indexOf(parameter) != SPARED).toList());
            GradientScale scale = new GradientScale(arena, store, PASSES, clip);
            Optimizer optimizer = optimizer(rule, arena, store, parameters);
            for (int step = 0; step < STEPS; step++) {
                if (step == 4) {
                    // What a resumed run does: the state stays, the count is told.
                    optimizer.resumeAt(step);
                }
                List<double[]> gradients = new ArrayList<>();
                for (Parameter parameter : parameters) {
                    float[] gradient = draw(random, parameter);
                    parameter.gradient().set(gradient);
                    gradients.add(widened(gradient));
                }
                scale.apply();
                optimizer.step(RATE);
                double norm = clip(gradients, threshold, by.equals("global"));
                if (clip != null) {
                    assertThat((double) scale.norm().item()).isCloseTo(norm, within(1e-5 * norm));
                }
                for (int i = 0; i < SHAPES.length; i++) {
                    if (i < LAST || step >= FROZEN) {
                        move(rule, i, step, gradients.get(i));
                    }
                }
            }
            for (int i = 0; i < SHAPES.length; i++) {
                assertNear("p" + i, parameters.get(i).value().toFloats(), values.get(i));
            }
        }
    }

    private static Optimizer optimizer(String rule, RunArena arena, ParameterStore store, List<Parameter> parameters) {
        Groups groups = new Groups(false, VECTOR_RATE, parameters.subList(LAST, SHAPES.length), FROZEN);
        Optimizer made = switch (rule) {
            case "sgd" -> new Sgd(arena, store, groups, MOMENTUM, DECAY, true);
            case "adamw" -> new AdamW(arena, store, groups, MOMENTUM, BETA2, EPS, DECAY);
            case "lars" -> new Lars(arena, store, groups, MOMENTUM, DECAY, TRUST, Lars.Form.BARLOW);
            default -> new Lars(arena, store, groups, MOMENTUM, DECAY, TRUST, Lars.Form.LIGHTLY);
        };
        made.decayTo(FINAL_DECAY, STEPS);
        return made;
    }

    /** Makes means of sums, clips; the norm of all that is clipped. */
    private static double clip(List<double[]> gradients, double threshold, boolean global) {
        double all = 0;
        for (int i = 0; i < gradients.size(); i++) {
            for (int k = 0; k < gradients.get(i).length; k++) {
                gradients.get(i)[k] /= PASSES;
            }
            all += i == SPARED ? 0 : Math.pow(norm(gradients.get(i)), 2);
        }
        for (int i = 0; threshold > 0 && i < gradients.size(); i++) {
            double factor = threshold / ((global ? Math.sqrt(all) : norm(gradients.get(i))) + 1e-6);
            for (int k = 0; k < gradients.get(i).length && factor < 1 && i != SPARED; k++) {
                gradients.get(i)[k] *= factor;
            }
        }
        return Math.sqrt(all);
    }

    private void move(String rule, int i, int step, double[] g) {
        boolean vector = SHAPES[i].length == 1;
        double rate = vector ? RATE * VECTOR_RATE : RATE;
        double decay = vector ? 0 : FINAL_DECAY + 0.5 * (DECAY - FINAL_DECAY) * (1 + Math.cos(Math.PI * step / STEPS));
        double[] p = values.get(i);
        double[] m = first.get(i);
        double[] v = second.get(i);
        int update = i < LAST ? step + 1 : step + 1 - FROZEN;
        double trust = rule.startsWith("l") && !vector ? trust(p, g, decay, rule.equals("lightly")) : 1;
        for (int k = 0; k < p.length; k++) {
            if (rule.equals("adamw")) {
                m[k] = MOMENTUM * m[k] + (1 - MOMENTUM) * g[k];
                v[k] = BETA2 * v[k] + (1 - BETA2) * g[k] * g[k];
                double mean = m[k] / (1 - Math.pow(MOMENTUM, update));
                double deviation = Math.sqrt(v[k] / (1 - Math.pow(BETA2, update)));
                p[k] -= rate * (decay * p[k] + mean / (deviation + EPS));
            } else {
                double d = (g[k] + decay * p[k]) * trust;
                m[k] = MOMENTUM * m[k] + d;
                p[k] -= rate * (rule.equals("sgd") ? d + MOMENTUM * m[k] : m[k]);
            }
        }
    }

    private static double trust(double[] p, double[] g, double decay, boolean apart) {
        double[] d = g.clone();
        for (int k = 0; k < d.length; k++) {
            d[k] += decay * p[k];
        }
        return TRUST * norm(p) / (apart ? norm(g) + decay * norm(p) + 1e-8 : norm(d));
    }

    private static double norm(double[] v) {
        return Math.sqrt(Arrays.stream(v).map(x -> x * x).sum());
    }

    private static float[] draw(SplittableRandom random, Parameter parameter) {
        float[] values = new float[Math.toIntExact(parameter.value().shape().count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static double[] widened(float[] from) {
        double[] to = new double[from.length];
        for (int i = 0; i < to.length; i++) {
            to[i] = from[i];
        }
        return to;
    }

    private static void assertNear(String name, float[] got, double[] want) {
        double[] off = widened(got);
        for (int i = 0; i < off.length; i++) {
            off[i] -= want[i];
        }
        assertThat(norm(off) / norm(want)).as(name).isLessThan(2e-6);
    }
}
