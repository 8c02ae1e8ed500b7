package io.culvert.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class OptimizerTest {
    private static final Offset<Float> CLOSE = within(2e-7f);

    /** Two steps of the Barlow Twins form; values computed in double precision with the authors' code. */
    @Test
    void larsMatchesTheBarlowTwinsForm() {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Parameter w = store.parameter("w", 2, 3);
            Parameter b = store.parameter("b", 3);
            store.allocate(arena);
            w.value().set(sines(2));
            b.value().set(cosines(1));
            Lars lars = new Lars(arena, store, 0.9, 1.5e-6, 0.001);
            for (int step = 0; step < 2; step++) {
                w.gradient().set(scaled(cosines(2), step + 1));
                b.gradient().set(scaled(sines(1), step + 1));
                lars.step(0.2);
            }
            assertThat(w.value().toFloats())
                    .containsExactly(
                            new float[] {
                                .840988455983f,
                                .745158120557f,
                                -.443045723308f,
                                .991571355380f,
                                .140822929218f,
                                -.916619737017f
                            },
                            CLOSE);
            assertThat(b.value().toFloats())
                    .containsExactly(new float[] {.221235193740f, .413354099780f, 1.300502434896f}, CLOSE);
        }
    }

    /** Three steps; values computed in double precision from PyTorch's rule. */
    @Test
    void adamWMatchesPyTorch() {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Parameter w = store.parameter("w", 2, 3);
            store.allocate(arena);
            w.value().set(sines(2));
            AdamW adam = new AdamW(arena, store, 0.9, 0.95, 1e-8, 0.05);
            for (int step = 0; step < 3; step++) {
                w.gradient().set(scaled(cosines(2), step + 1));
                adam.step(1e-3);
            }
            assertThat(w.value().toFloats())
                    .containsExactly(
                            new float[] {
                                .838442422671f,
                                .742691014185f,
                                -.445356416349f,
                                .988613720465f,
                                .138196493332f,
                                -.918930866528f
                            },
                            CLOSE);
        }
    }

    /** Three steps by hand in double precision: momentum starts as the first gradient, decay touches everything. */
    @Test
    void sgdMatchesItsFormulaWithAndWithoutNesterov() {
        for (boolean nesterov : new boolean[] {false, true}) {
            try (CpuDevice device = CpuDevice.open(2);
                    RunArena arena = new RunArena(device)) {
                ParameterStore store = new ParameterStore();
                Parameter w = store.parameter("w", 2, 3);
                store.allocate(arena);
                float[] start = sines(2);
                w.value().set(start);
                Sgd sgd = new Sgd(arena, store, 0.9, 0.01, nesterov);
                double[] p = new double[6];
                double[] m = new double[6];
                for (int i = 0; i < 6; i++) {
                    p[i] = start[i];
                }
                for (int step = 0; step < 3; step++) {
                    float[] gradient = scaled(cosines(2), step + 1);
                    w.gradient().set(gradient);
                    sgd.step(0.1);
                    for (int i = 0; i < 6; i++) {
                        double g = gradient[i] + 0.01f * p[i];
                        m[i] = 0.9f * m[i] + g;
                        p[i] -= 0.1f * (nesterov ? g + 0.9f * m[i] : m[i]);
                    }
                }
                for (int i = 0; i < 6; i++) {
                    assertThat(w.value().toFloats()[i]).isCloseTo((float) p[i], within(1e-6f));
                }
            }
        }
    }

    @Test
    void warmupCosineMatchesTheStudysSchedule() {
        WarmupCosine schedule = new WarmupCosine(0.3, 0.15, 1e-6, 12_700, 57_150);
        assertThat(schedule.at(0)).isEqualTo(0.15);
        assertThat(schedule.at(1)).isCloseTo(0.1500118, within(1e-7));
        assertThat(schedule.at(6350)).isCloseTo(0.2250059, within(1e-7));
        assertThat(schedule.at(12_699)).isCloseTo(0.3, within(1e-12));
        assertThat(schedule.at(12_700)).isCloseTo(0.3, within(1e-12));
        assertThat(schedule.at(28_575)).isCloseTo(0.215083, within(1e-6));
        assertThat(schedule.at(57_149)).isCloseTo(1.0004e-6, within(1e-9));
    }

    /** DINO's cosine from 0.04 to 0.4 over 100 steps: {@code final + 0.5 (base - final) (1 + cos(pi t / T))}. */
    @Test
    void weightDecayFollowsDinosCosine() {
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            store.parameter("w", 1);
            store.allocate(arena);
            Sgd sgd = new Sgd(arena, store, 0.9, 0.04, false);
            assertThat(sgd.weightDecay()).isEqualTo(0.04);
            sgd.decayTo(0.4, 100);
            assertThat(sgd.weightDecay()).isCloseTo(0.04, within(1e-15));
            sgd.resumeAt(25);
            assertThat(sgd.weightDecay()).isCloseTo(0.092720779386, within(1e-12));
            sgd.step(0.1);
            assertThat(sgd.weightDecay()).isCloseTo(0.096781520933, within(1e-12));
            sgd.resumeAt(99);
            assertThat(sgd.weightDecay()).isCloseTo(0.399911180866, within(1e-12));
        }
    }

    private static float[] sines(int rows) {
        float[] v = new float[rows * 3];
        for (int i = 0; i < v.length; i++) {
            v[i] = (float) Math.sin(1 + 0.7 * (i / 3) + 1.3 * (i % 3));
        }
        return v;
    }

    private static float[] cosines(int rows) {
        float[] v = new float[rows * 3];
        for (int i = 0; i < v.length; i++) {
            v[i] = (float) Math.cos(0.5 + 0.9 * (i / 3) - 0.4 * (i % 3));
        }
        return v;
    }

    private static float[] scaled(float[] v, int by) {
        float[] scaled = v.clone();
        for (int i = 0; i < v.length; i++) {
            scaled[i] *= by;
        }
        return scaled;
    }
}
