package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import io.culvert.metric.Confusion;
import io.culvert.metric.Ranking;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LinearProbeTest {
    private static final LinearProbe.Options OPTIONS = LinearProbe.Options.defaults(7);

    static Stream<Path> fixtures() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("test/resources/probe"))) {
            return files.sorted().toList().stream();
        }
    }

    /** The minimum that scikit-learn finds, by tools/vectors/probe.py. */
    @ParameterizedTest
    @MethodSource("fixtures")
    void findsTheCoefficientsOfScikitLearn(Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.map(path, arena);
            JsonNode params = new ObjectMapper().readTree(file.metadata().get("params"));
            StoredTensor x = file.tensor("in/features");
            int n = x.shape().get(0).intValue();
            Features features = new Features(x.toFloats(), n, x.shape().get(1).intValue());
            int[] labels = Arrays.stream(file.tensor("in/labels").toLongs()).mapToInt(l -> (int) l).toArray();
            double positives = Arrays.stream(labels).sum();
            boolean balanced = params.get("balanced").asBoolean();
            double weight = balanced ? (n - positives) / positives : 1;
            double total = n - positives + weight * positives;
            LogisticLoss loss = new LogisticLoss(features, IntStream.range(0, n).toArray(), labels, weight);
            double[] got = new double[loss.size()];
            NewtonCg.minimize(loss, 1 / (params.get("C").asDouble() * total), got);
            double[] want = file.tensor("out/coefficients").toDoubles();
            double difference = 0;
            double norm = 0;
            for (int j = 0; j < want.length; j++) {
                difference += (got[j] - want[j]) * (got[j] - want[j]);
                norm += want[j] * want[j];
            }
            assertThat(Math.sqrt(difference / norm)).isLessThan(1e-6);
        }
    }

    @Test
    void gradientAndHessianAreTheDerivatives() {
        Data data = Data.draw(300, 5, 0.3, 1.0, 1);
        LogisticLoss loss = new LogisticLoss(data.features, IntStream.range(0, 300).toArray(), data.labels, 2.5);
        double[] at = {0.3, -0.2, 0.5, 0.1, -0.4, 0.2};
        double[] gradient = new double[6];
        double[] hessian = new double[6];
        double[] above = new double[6];
        double[] below = new double[6];
        double h = 1e-5;
        for (int j = 0; j < 6; j++) {
            double[] unit = new double[6];
            unit[j] = 1;
            loss.evaluate(at, 0.1, gradient);
            loss.hessianTimes(unit, 0.1, hessian);
            double[] moved = at.clone();
            moved[j] += h;
            double up = loss.evaluate(moved, 0.1, above);
            moved[j] -= 2 * h;
            double down = loss.evaluate(moved, 0.1, below);
            assertThat(gradient[j]).isCloseTo((up - down) / (2 * h), within(1e-8));
            for (int k = 0; k < 6; k++) {
                assertThat(hessian[k]).isCloseTo((above[k] - below[k]) / (2 * h), within(1e-8));
            }
        }
    }

    @Test
    void readsOutWhatIsThere() {
        Data train = Data.draw(1500, 12, 0.1, 3.0, 2);
        Data test = Data.draw(1500, 12, 0.1, 3.0, 3);
        LinearProbe probe = LinearProbe.fit(train.features, train.labels, OPTIONS);
        double[] scores = probe.scores(test.features);
        // One coordinate is shifted by 3 standard deviations: the best possible AUROC is Phi(3 / sqrt 2) = 0.983.
        assertThat(Ranking.of(scores, test.labels).auroc()).isBetween(0.96, 0.995);
        assertThat(Confusion.at(probe.threshold(), scores, test.labels).f1()).isGreaterThan(0.7);
    }

    @Test
    void findsNothingInNoise() {
        Data train = Data.draw(1500, 12, 0.3, 0, 4);
        Data test = Data.draw(1500, 12, 0.3, 0, 5);
        double[] scores = LinearProbe.fit(train.features, train.labels, OPTIONS).scores(test.features);
        assertThat(Ranking.of(scores, test.labels).auroc()).isBetween(0.44, 0.56);
    }

    @Test
    void doesNotMindTheScaleOfAFeature() {
        Data data = Data.draw(400, 6, 0.2, 2.0, 6);
        float[] scaled = data.features.values().clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = i % 6 == 2 ? scaled[i] * 512 : scaled[i];
        }
        double[] plain = LinearProbe.fit(data.features, data.labels, OPTIONS).scores(data.features);
        Features wide = new Features(scaled, 400, 6);
        double[] other = LinearProbe.fit(wide, data.labels, OPTIONS).scores(wide);
        assertThat(other).containsExactly(plain, within(1e-4));
    }

    @Test
    void repeatsBitForBitAndDecidesAlikeWhenReadBack() {
        Data data = Data.draw(700, 9, 0.2, 1.5, 8);
        LinearProbe probe = LinearProbe.fit(data.features, data.labels, OPTIONS);
        LinearProbe again = LinearProbe.fit(data.features, data.labels, OPTIONS);
        assertThat(again.weight()).containsExactly(probe.weight());
        assertThat(again.threshold()).isEqualTo(probe.threshold());
        LinearProbe readBack = new LinearProbe(probe.weight().clone(), probe.bias(), probe.threshold(), 0, 0);
        assertThat(readBack.scores(data.features)).containsExactly(probe.scores(data.features));
    }

    @Test
    void separableClassesStillHaveAMinimum() {
        Data data = Data.draw(200, 4, 0.4, 40, 9);
        LinearProbe probe = LinearProbe.fit(data.features, data.labels, OPTIONS);
        assertThat(probe.validationAuroc()).isEqualTo(1);
        // Every penalty ranks perfectly, so the strongest is kept.
        assertThat(probe.lambda()).isEqualTo(1);
        assertThat(Confusion.at(probe.threshold(), probe.scores(data.features), data.labels).f1()).isGreaterThan(0.95);
    }

    @Test
    void holdsOutAShareOfEachClass() {
        int[] labels = new int[200];
        Arrays.fill(labels, 0, 30, 1);
        LinearProbe.HeldOut split = LinearProbe.HeldOut.stratified(labels, 0.2, 3);
        assertThat(split.validation()).hasSize(40);
        assertThat(Arrays.stream(split.validation()).filter(i -> i < 30).count()).isEqualTo(6);
        assertThat(IntStream.concat(Arrays.stream(split.fit()), Arrays.stream(split.validation())).sorted().toArray())
                .containsExactly(IntStream.range(0, 200).toArray());
    }

    @Test
    void holdsOutWholeGroups() {
        // 50 groups of 4; defects fill groups 0 to 5 and half of group 6.
        int[] groups = IntStream.range(0, 200).map(i -> i / 4).toArray();
        int[] labels = IntStream.range(0, 200).map(i -> i < 26 ? 1 : 0).toArray();
        LinearProbe.HeldOut split = LinearProbe.HeldOut.grouped(labels, groups, 0.2, 3);
        assertThat(Arrays.stream(split.validation()).map(i -> groups[i]).toArray())
                .doesNotContain(Arrays.stream(split.fit()).map(i -> groups[i]).toArray());
        assertThat(split.validation().length).isBetween(36, 40);
        assertThat(Arrays.stream(split.validation()).filter(i -> labels[i] == 1).count()).isBetween(4L, 8L);
        assertThat(IntStream.concat(Arrays.stream(split.fit()), Arrays.stream(split.validation())).sorted().toArray())
                .containsExactly(IntStream.range(0, 200).toArray());
    }

    @Test
    void holdsOutAGroupOfEachClassHoweverFewThereAre() {
        int[] groups = IntStream.range(0, 200).map(i -> i / 4).toArray();
        int[] labels = IntStream.range(0, 200).map(i -> i < 8 ? 1 : 0).toArray();
        for (int seed = 0; seed < 20; seed++) {
            LinearProbe.HeldOut split = LinearProbe.HeldOut.grouped(labels, groups, 0.1, seed);
            assertThat(Arrays.stream(split.validation()).filter(i -> i < 8).count()).isEqualTo(4);
            assertThat(Arrays.stream(split.fit()).filter(i -> i < 8).count()).isEqualTo(4);
        }
        int[] one = IntStream.range(0, 200).map(i -> i < 4 ? 1 : 0).toArray();
        fails(() -> LinearProbe.HeldOut.grouped(one, groups, 0.1, 1), "label 1 lie in too few groups");
    }

    @Test
    void saysWhatItCannotFit() {
        Features features = new Features(new float[] {1, 2, 3, 4}, 4, 1);
        fails(() -> LinearProbe.fit(features, new int[] {0, 0, 0, 1}, OPTIONS), "at least 2 images of each class");
        Features broken = new Features(new float[] {1, 2, Float.NaN, 4}, 4, 1);
        fails(() -> LinearProbe.fit(broken, new int[] {0, 1, 0, 1}, OPTIONS), "feature 0 of image 2 is NaN");
        LinearProbe wide = new LinearProbe(new float[2], 0, 0, 1, 1);
        fails(() -> wide.scores(features), "fitted on 2 features, these are 1");
        fails(() -> new LinearProbe.Options(List.of(0.0), 0.2, true, 1), "penalties must be above 0");
        fails(() -> new LinearProbe.Options(List.of(1.0), 1, true, 1), "validation share");
    }

    private static void fails(Runnable call, String say) {
        assertThatThrownBy(call::run).isInstanceOf(CulvertException.class).hasMessageContaining(say);
    }

    /** Normal features with offsets; positives are shifted along the first. */
    private record Data(Features features, int[] labels) {
        static Data draw(int n, int d, double prevalence, double shift, long seed) {
            Random random = new Random(seed);
            float[] x = new float[n * d];
            int[] labels = new int[n];
            for (int i = 0; i < n; i++) {
                labels[i] = random.nextDouble() < prevalence ? 1 : 0;
                for (int j = 0; j < d; j++) {
                    x[i * d + j] = (float) (random.nextGaussian() + j + (j == 0 ? shift * labels[i] : 0));
                }
            }
            return new Data(new Features(x, n, d), labels);
        }
    }
}
