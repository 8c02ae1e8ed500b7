package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class LabelFreeTest {
    /** The golden numbers are printed with nine decimals. */
    private static final Offset<Double> PRINTED = within(1e-9);
    private static final int N = 400;
    private static final int D = 32;
    private static final int RARE = 8;

    /** Four images with three views each, or six with two, of the twelve rows of {@link SpectrumTest#golden}. */
    private static Embeddings golden(int images, int views) {
        double[] rows = SpectrumTest.golden();
        double[] ordered = rows.clone();
        for (int i = 0; i < images && views == 2; i++) {
            // Rows 0 to 5 are the first views, 6 to 11 the second ones.
            System.arraycopy(rows, 4 * i, ordered, 8 * i, 4);
            System.arraycopy(rows, 4 * (i + 6), ordered, 8 * i + 4, 4);
        }
        return new Embeddings(rows, 12, 4, ordered, images, views);
    }

    @Test
    void goldenScores() {
        assertThat(LabelFree.SELF_CLUSTER.of(golden(4, 3))).isCloseTo(0.115323953, PRINTED);
        assertThat(LabelFree.LIDAR.of(golden(4, 3))).isCloseTo(2.355178887, PRINTED);
        assertThat(LabelFree.ALIGNMENT.of(golden(6, 2))).isCloseTo(2.233703202, PRINTED);
        assertThat(LabelFree.UNIFORMITY.of(golden(6, 2))).isCloseTo(-1.794929866, PRINTED);
        assertThat(LabelFree.RANKME.of(golden(4, 3))).isCloseTo(3.442494339, PRINTED);
        assertThat(LabelFree.STABLE_RANK.of(golden(4, 3))).isCloseTo(1.769428490, PRINTED);
        assertThat(LabelFree.NESUM.of(golden(4, 3))).isCloseTo(1.633297038, PRINTED);
        assertThat(LabelFree.PARTICIPATION_RATIO.of(golden(4, 3))).isCloseTo(2.034071664, PRINTED);
        assertThat(LabelFree.ALPHA_REQ.of(golden(4, 3))).isCloseTo(2.719887423, PRINTED);
        assertThat(LabelFree.PSEUDO_CONDITION.of(golden(4, 3))).isCloseTo(0.700291564 / 4.222834972, PRINTED);
    }

    /**
     * A bulk that varies in 8 of 32 directions about one mean, and views of it.
     *
     * @param rare how many of the images, spread among the others, are a group: like one another, and away from the
     *     bulk in a direction of their own
     * @param noise of a view
     */
    private static Embeddings planted(int rare, double noise) {
        Random random = new Random(3);
        double[] clean = new double[N * D];
        for (int i = 0; i < N; i++) {
            boolean inGroup = i % (N / RARE) == 5 && i / (N / RARE) < rare;
            for (int j = 0; j < D; j++) {
                double spread = j >= 8 ? 0.1 : inGroup ? 0.3 : 1;
                clean[i * D + j] = spread * random.nextGaussian() + (j == 0 ? 4 : 0) + (j == 20 && inGroup ? 4 : 0);
            }
        }
        return new Embeddings(clean, N, D, views(clean, noise, random), N, 2);
    }

    private static double[] views(double[] clean, double noise, Random random) {
        double[] views = new double[2 * clean.length];
        for (int i = 0; i < views.length; i++) {
            views[i] = clean[i / (2 * D) * D + i % D] + noise * random.nextGaussian();
        }
        return views;
    }

    @Test
    void aRareGroupShowsInTheTail() {
        Embeddings without = planted(0, 0.05);
        Embeddings with = planted(RARE, 0.05);
        int[] tail = Tail.outliers(with.unitDistances(), N, 0.05);
        assertThat(Arrays.stream(tail).filter(i -> i % (N / RARE) == 5).count()).isEqualTo(RARE);
        assertThat(LabelFree.TAIL_GAP.of(without)).isBetween(-0.1, 0.1);
        assertThat(LabelFree.TAIL_GAP.of(with)).isGreaterThan(0.3);
        assertThat(LabelFree.TAIL_CLUMPING.of(without)).isLessThan(0.2);
        // 8 of the 20 images have their 7 like ones among their 10 neighbours: 0.28 of all, 0.24 above chance.
        assertThat(LabelFree.TAIL_CLUMPING.of(with)).isGreaterThan(LabelFree.TAIL_CLUMPING.of(without) + 0.2);
        // The scores of the whole spectrum see next to nothing of it.
        assertThat(LabelFree.RANKME.of(with) / LabelFree.RANKME.of(without)).isBetween(0.95, 1.05);
    }

    @Test
    void whatViewsDoNotShareLowersAgreement() {
        List<LabelFree> scores = List.of(
                LabelFree.TAIL_AGREEMENT, LabelFree.OUTLYINGNESS_AGREEMENT, LabelFree.OUTLIER_STABILITY);
        Embeddings same = planted(RARE, 0);
        Embeddings near = planted(RARE, 0.3);
        double[] clean = planted(RARE, 0).clean();
        double[] unrelated = views(new double[N * D], 1, new Random(5));
        Embeddings chance = new Embeddings(clean, N, D, unrelated, N, 2);
        for (LabelFree score : scores) {
            assertThat(score.of(same)).as(score.key()).isCloseTo(1, within(1e-12));
            assertThat(score.of(near)).as(score.key()).isBetween(0.2, 0.95);
            assertThat(score.of(chance)).as(score.key()).isBetween(-0.15, 0.15);
        }
    }

    @Test
    void noScoreSeesARotationAndOnlyLidarSeesTheScale() {
        Embeddings as = planted(RARE, 0.1);
        Embeddings rotated = new Embeddings(reflected(as.clean()), N, D, reflected(as.allViews()), N, 2);
        Embeddings scaled = new Embeddings(
                Arrays.stream(as.clean()).map(x -> 8 * x).toArray(), N, D,
                Arrays.stream(as.allViews()).map(x -> 8 * x).toArray(), N, 2);
        for (LabelFree score : LabelFree.values()) {
            double value = score.of(as);
            assertThat(score.of(rotated)).as(score.key()).isCloseTo(value, within(1e-9 * Math.max(1, Math.abs(value))));
            if (score != LabelFree.LIDAR) {
                assertThat(score.of(scaled)).as(score.key()).isCloseTo(value, within(1e-12 * Math.max(1, Math.abs(value))));
            }
        }
    }

    /** Householder's reflection of every row. */
    private static double[] reflected(double[] rows) {
        double[] out = rows.clone();
        for (int i = 0; i < rows.length; i += D) {
            double product = 0;
            double squares = 0;
            for (int j = 0; j < D; j++) {
                product += (j - 11.3) * rows[i + j];
                squares += (j - 11.3) * (j - 11.3);
            }
            for (int j = 0; j < D; j++) {
                out[i + j] -= 2 * product / squares * (j - 11.3);
            }
        }
        return out;
    }

    @Test
    void theOrderOfTheImagesDoesNotMatterToTheTail() {
        Embeddings as = planted(RARE, 0.1);
        double[] clean = new double[N * D];
        double[] views = new double[2 * N * D];
        for (int i = 0; i < N; i++) {
            System.arraycopy(as.clean(), i * D, clean, (N - 1 - i) * D, D);
            System.arraycopy(as.allViews(), 2 * i * D, views, 2 * (N - 1 - i) * D, 2 * D);
        }
        Embeddings reversed = new Embeddings(clean, N, D, views, N, 2);
        for (LabelFree score : List.of(LabelFree.TAIL_AGREEMENT, LabelFree.OUTLYINGNESS_AGREEMENT,
                LabelFree.OUTLIER_STABILITY, LabelFree.TAIL_CLUMPING)) {
            assertThat(score.of(reversed)).as(score.key()).isCloseTo(score.of(as), within(1e-12));
        }
        // Its halves of the bulk are others.
        assertThat(LabelFree.TAIL_GAP.of(reversed)).isCloseTo(LabelFree.TAIL_GAP.of(as), within(0.05));
    }

    @Test
    void collapsedEmbeddingsAreWorstOrUndefined() {
        double[] clean = new double[100 * 8];
        Arrays.fill(clean, 0.5);
        Embeddings collapsed = new Embeddings(clean, 100, 8, Arrays.copyOf(clean, 50 * 2 * 8), 50, 2);
        // A factor that rounding leaves on a constant: sqrt(8) times 0.5, squared.
        assertThat(LabelFree.RANKME.of(collapsed)).isCloseTo(1, within(1e-4));
        assertThat(LabelFree.STABLE_RANK.of(collapsed)).isCloseTo(1, within(1e-12));
        assertThat(LabelFree.UNIFORMITY.of(collapsed)).isZero();
        assertThat(LabelFree.ALIGNMENT.of(collapsed)).isZero();
        assertThat(LabelFree.SELF_CLUSTER.of(collapsed)).isCloseTo(1, within(1e-12));
        assertThat(LabelFree.COHERENCE.of(collapsed)).isCloseTo(1, within(1e-12));
        Set<LabelFree> undefined = EnumSet.of(
                LabelFree.NESUM, LabelFree.PARTICIPATION_RATIO, LabelFree.ALPHA_REQ, LabelFree.ALPHA_REQ_WEIGHTED,
                LabelFree.LIDAR, LabelFree.CLID_LEARNABILITY, LabelFree.CLID_DIMENSION, LabelFree.TAIL_AGREEMENT,
                LabelFree.OUTLYINGNESS_AGREEMENT, LabelFree.OUTLIER_STABILITY, LabelFree.TAIL_CLUMPING,
                LabelFree.TAIL_GAP);
        for (LabelFree.Reading reading : LabelFree.all(collapsed)) {
            assertThat(reading.defined()).as(reading.toString()).isEqualTo(!undefined.contains(reading.score()));
            assertThat(reading.defined() || !reading.detail().isEmpty()).isTrue();
        }
    }

    @Test
    void fewImagesAndFewFeaturesGiveANumberOrAReason() {
        Random random = new Random(1);
        for (int[] shape : new int[][] {{1, 1}, {2, 1}, {2, 5}, {3, 1}, {4, 1}, {5, 40}, {20, 1}, {21, 40}, {30, 2}}) {
            int n = shape[0];
            int d = shape[1];
            double[] clean = random.doubles((long) n * d).map(x -> x - 0.3).toArray();
            double[] views = random.doubles(2L * n * d).map(x -> x - 0.3).toArray();
            for (LabelFree.Reading reading : LabelFree.all(new Embeddings(clean, n, d, views, n, 2))) {
                assertThat(reading.value()).as("%s of %d x %d", reading, n, d).satisfiesAnyOf(
                        value -> assertThat(value).isFinite(),
                        value -> assertThat(reading.detail()).isNotEmpty());
            }
            for (LabelFree.Reading reading : LabelFree.all(Embeddings.of(new double[n * d], n, d))) {
                assertThat(Double.isInfinite(reading.value())).as("%s of zeros %d x %d", reading, n, d).isFalse();
            }
        }
    }

    @Test
    void moreFeaturesThanImagesAreNoTrouble() {
        Random random = new Random(2);
        double[] clean = random.doubles(40 * 100).map(x -> random.nextGaussian()).toArray();
        double[] views = random.doubles(2 * 40 * 100).map(x -> random.nextGaussian()).toArray();
        List<LabelFree.Reading> readings = LabelFree.all(new Embeddings(clean, 40, 100, views, 40, 2));
        assertThat(readings).allMatch(LabelFree.Reading::defined);
        assertThat(LabelFree.COHERENCE.of(Embeddings.of(clean, 40, 100))).isCloseTo(1, within(1e-9));
        assertThat(readings.get(LabelFree.ALPHA_REQ.ordinal()).detail()).startsWith("eigenvalues 11-39, R2 0.");
    }

    @Test
    void scoresOfViewsSayThatTheyNeedSome() {
        Embeddings without = Embeddings.of(SpectrumTest.golden(), 12, 4);
        for (LabelFree score : List.of(LabelFree.LIDAR, LabelFree.ALIGNMENT, LabelFree.TAIL_AGREEMENT,
                LabelFree.OUTLYINGNESS_AGREEMENT, LabelFree.OUTLIER_STABILITY)) {
            assertThat(score.read(without).defined()).isFalse();
            assertThat(score.read(without).detail()).contains("at least 2 views");
        }
        assertThatThrownBy(() -> new Embeddings(new double[4], 2, 2, new double[12], 3, 2))
                .isInstanceOf(CulvertException.class).hasMessageContaining("do not fit");
        assertThatThrownBy(() -> Embeddings.of(new double[] {1, Double.NaN}, 2, 1))
                .isInstanceOf(CulvertException.class).hasMessageContaining("NaN");
    }

    @Test
    void clustersOfGroupsFarApartAreTheGroups() {
        Random random = new Random(4);
        int n = 90;
        double[] rows = new double[n * 3];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < 3; j++) {
                rows[3 * i + j] = (i % 3 == j ? 50 : 0) + random.nextGaussian();
            }
        }
        KMeans groups = KMeans.of(rows, n, 3, 3, 7);
        for (int i = 3; i < n; i++) {
            assertThat(groups.cluster()[i]).isEqualTo(groups.cluster()[i % 3]);
        }
        assertThat(Arrays.stream(groups.cluster()).distinct().count()).isEqualTo(3);
        assertThat(groups.inertia()).isBetween(2.0 * n, 4.0 * n);
        assertThat(Clid.learnability(Embeddings.of(rows, n, 3), 3, 1)).isEqualTo(1);
        assertThat(KMeans.of(rows, n, 3, 20, 7).inertia()).isLessThan(groups.inertia() / 2);
        // Labels of 30 clusters within noise cannot be told by a neighbour as well.
        assertThat(Clid.learnability(Embeddings.of(rows, n, 3), 30, 1)).isBetween(0.2, 0.9);
    }

    @Test
    void theDimensionOfAPlaneIsTwo() {
        Random random = new Random(6);
        double[] rows = new double[1000 * 12];
        for (int i = 0; i < 1000; i++) {
            double u = random.nextDouble();
            double v = random.nextDouble();
            for (int j = 0; j < 12; j++) {
                rows[12 * i + j] = Math.sin(j) * u + Math.cos(2 * j) * v;
            }
        }
        assertThat(Clid.dimension(Embeddings.of(rows, 1000, 12))).isBetween(1.8, 2.2);
    }

    @Test
    void theWeightedPowerLawFollowsTheHead() {
        double[] bent = new double[60];
        for (int i = 1; i <= bent.length; i++) {
            bent[i - 1] = i <= 10 ? Math.pow(i, -1) : Math.pow(10, 2) * Math.pow(i, -3);
        }
        Spectrum.PowerLaw plain = Spectrum.powerLaw(bent, 1, 60, false);
        Spectrum.PowerLaw weighted = Spectrum.powerLaw(bent, 1, 60, true);
        assertThat(weighted.alpha()).isBetween(1.0, plain.alpha() - 0.1);
        assertThat(plain.r2()).isLessThan(0.999);
        assertThat(Spectrum.powerLaw(bent, 1, 10, true)).satisfies(law -> {
            assertThat(law.alpha()).isCloseTo(1, within(1e-12));
            assertThat(law.r2()).isCloseTo(1, within(1e-12));
            assertThat(law.window()).isEqualTo("eigenvalues 1-10, R2 1.0000");
        });
    }

    @Test
    void meritIsHigherForTheBetterValue() {
        assertThat(LabelFree.RANKME.direction().merit(3)).isEqualTo(3);
        assertThat(LabelFree.ALIGNMENT.direction().merit(3)).isEqualTo(-3);
        assertThat(LabelFree.ALPHA_REQ.direction().merit(0.75)).isEqualTo(LabelFree.ALPHA_REQ.direction().merit(1.25))
                .isEqualTo(-0.25);
    }
}
