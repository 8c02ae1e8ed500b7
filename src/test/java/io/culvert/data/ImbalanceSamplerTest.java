package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.culvert.CulvertException;
import io.culvert.data.ImbalanceSampler.Counts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImbalanceSamplerTest {
    /** Sewer-ML's images with each code in the order of {@link DefectCode} (Haurum and Moeslund, CVPR 2021). */
    private static final int[] TRAIN_CODES = {
        45_821, 184_379, 16_254, 19_084, 283_983, 6_271, 22_637, 23_782, 74_856, 66_499, 5_010, 53_986, 23_685, 6_746,
        4_625, 5_325, 154_624
    };

    private static final int[] VAL_CODES = {
        5_538, 23_624, 2_021, 2_038, 36_218, 881, 2_917, 2_812, 9_059, 7_929, 597, 6_889, 3_432, 765, 457, 612, 19_655
    };

    private static final Dataset TRAIN = sewerMl(487_309, 552_820, TRAIN_CODES);
    private static final Dataset HALF = StratifiedSplit.of(TRAIN, 0.5, 42).first();
    private static final Dataset VAL = sewerMl(61_365, 68_681, VAL_CODES);

    /**
     * Sizes of the study's training sets, which come from a stratified half of the training split, as its code gives them
     * on a stand-in for Sewer-ML's CSV with the same counts; printed to 0.1 to 1 %.
     */
    @ParameterizedTest
    @CsvSource({
        "0.45, 501800, 225700, 100",
        "0.15, 323900, 48700, 50",
        "0.05, 289800, 14500, 50",
        "0.02, 280900, 5600, 50",
        "0.01, 278100, 2800, 50",
    })
    void trainingSetsAreOfTheStudysSizes(double share, int total, int defective, int printedTo) {
        Dataset drawn = ImbalanceSampler.draw(HALF, share, 42);
        assertThat(drawn.size()).isCloseTo(total, withinPercentage(0.5));
        assertThat(drawn.defectCount()).isCloseTo(defective, within((int) (0.005 * defective) + printedTo / 2));
        assertThat((double) drawn.defectCount() / drawn.size()).isCloseTo(share, within(1e-5));
    }

    /**
     * The study's code splits off what it adds of normal images, and a stratified split there leaves at least one image of
     * every combination of codes on either side and drops combinations that occur once: that many images are missing in
     * its test sets. Counted so, the sizes are the study's; ours are what its formula says.
     */
    @ParameterizedTest
    @CsvSource({"0.45, 124000, 55500", "0.15, 80100, 12000", "0.05, 71700, 3570", "0.02, 69500, 1380", "0.01, 68800, 680"})
    void testSetsAreOfTheStudysSizesButForWhatItsSplitsKeepBack(double share, int total, int defective) {
        int[] drawn = ImbalanceSampler.indices(VAL, share, 42);
        assertThat(drawn).isSorted().doesNotHaveDuplicates();
        assertThat((int) Arrays.stream(drawn).filter(i -> VAL.get(i).defective()).count())
                .isCloseTo(defective, withinPercentage(2));
        assertThat(drawn.length).isCloseTo(total, withinPercentage(1));
        assertThat(asTheStudysCodeDoes(VAL, share)).isCloseTo(total, withinPercentage(0.5));
    }

    /** The size of the set that the study's published code draws, from its counts alone. */
    private static int asTheStudysCodeDoes(Dataset pool, double share) {
        Map<Integer, Integer> combinations = new HashMap<>();
        pool.samples().forEach(sample -> combinations.merge(sample.codes(), 1, Integer::sum));
        long single = combinations.values().stream().filter(count -> count == 1).count();
        int normal = pool.size() - pool.defectCount();
        double wanted = Math.min((int) (normal * share / (1 - share)), pool.defectCount());
        double fraction = wanted / pool.defectCount();
        double first = fraction * (pool.defectCount() - single);
        int missing = (int) (wanted * (1 - share) / share) - (int) (fraction * normal);
        double left = (1 - fraction) * normal;
        // Combinations of which the rest has two or more.
        long kept = combinations.values().stream().filter(count -> Math.round((1 - fraction) * count) > 1).count();
        double rest = (1 - fraction) * pool.size() - single;
        double taken = Math.min(missing / left, 1 - kept / rest);
        return (int) (first + fraction * normal + taken * left);
    }

    /** A pool with these counts; codes fall on defective images independently, and each has one at least. */
    private static Dataset sewerMl(int defective, int normal, int[] codes) {
        Random random = new Random(1);
        // So that the images with a code are as many as asked for although images without any are drawn again.
        double scale = 1;
        for (int round = 0; round < 50; round++) {
            double none = 1;
            for (int code : codes) {
                none *= 1 - scale * code / defective;
            }
            scale = 1 - none;
        }
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < normal; i++) {
            samples.add(new Sample("n" + i, 0, true));
        }
        while (samples.size() < normal + defective) {
            int bits = 0;
            for (int c = 0; c < codes.length; c++) {
                bits |= random.nextDouble() < scale * codes[c] / defective ? 1 << c : 0;
            }
            if (bits != 0) {
                samples.add(new Sample("d" + samples.size(), bits, true));
            }
        }
        Dataset pool = new Dataset(Path.of("images"), samples);
        assertThat(pool.count(DefectCode.FS)).isCloseTo(codes[DefectCode.FS.ordinal()], withinPercentage(1));
        assertThat(pool.count(DefectCode.RB)).isCloseTo(codes[DefectCode.RB.ordinal()], withinPercentage(4));
        return pool;
    }

    @Test
    void oneSeedsDrawsAreNested() {
        Set<Sample> larger = null;
        for (double share : new double[] {0.45, 0.15, 0.05, 0.02, 0.01}) {
            Set<Sample> defects = defects(ImbalanceSampler.draw(VAL, share, 3));
            if (larger != null) {
                assertThat(larger).containsAll(defects);
            }
            larger = defects;
        }
        Set<Sample> few = defects(ImbalanceSampler.draw(VAL, 0.01, 30_000, 3));
        assertThat(defects(ImbalanceSampler.draw(VAL, 0.05, 30_000, 3))).containsAll(few).hasSize(1500);
        assertThat(defects(ImbalanceSampler.draw(VAL, 0.01, 30_000, 4))).isNotEqualTo(few);
    }

    private static Set<Sample> defects(Dataset dataset) {
        return dataset.samples().stream().filter(Sample::defective).collect(Collectors.toSet());
    }

    @Test
    void everyCombinationIsTakenInProportionAtEveryShare() {
        Map<Integer, Integer> there = new HashMap<>();
        VAL.samples().forEach(sample -> there.merge(sample.codes(), 1, Integer::sum));
        Map<Integer, Integer> taken = new HashMap<>();
        Dataset drawn = ImbalanceSampler.draw(VAL, 0.15, 5);
        drawn.samples().forEach(sample -> taken.merge(sample.codes(), 1, Integer::sum));
        double fraction = (double) drawn.defectCount() / VAL.defectCount();
        int rareThere = 0;
        int rareTaken = 0;
        for (Map.Entry<Integer, Integer> each : there.entrySet()) {
            if (each.getKey() != 0) {
                assertThat((double) taken.getOrDefault(each.getKey(), 0))
                        .isCloseTo(fraction * each.getValue(), within(1.0 + 1e-3 * each.getValue()));
            }
            if (each.getValue() == 1) {
                rareThere++;
                rareTaken += taken.getOrDefault(each.getKey(), 0);
            }
        }
        // Combinations that occur once are drawn like any others, not all left out by rounding.
        assertThat(rareThere).isGreaterThan(100);
        assertThat((double) rareTaken / rareThere).isCloseTo(fraction, within(0.1));
    }

    @Test
    void aFixedSizeIsTheSameAtEveryShare() {
        List<Double> shares = List.of(0.45, 0.15, 0.05, 0.02, 0.01);
        int largest = ImbalanceSampler.largestCommonSize(61_365, 68_681, shares);
        // At 1 %: 68,681 normal images are 99 %.
        assertThat(largest).isEqualTo(69_375);
        for (double share : shares) {
            int[] drawn = ImbalanceSampler.indices(VAL, share, largest, 9);
            assertThat(drawn).hasSize(largest);
            assertThat(Arrays.stream(drawn).filter(i -> VAL.get(i).defective()).count())
                    .isEqualTo(Math.round(largest * share));
        }
        assertThat(ImbalanceSampler.largestCommonSize(10, 100, List.of(0.5))).isEqualTo(20);
        assertThat(ImbalanceSampler.largestCommonSize(10, 100, List.of(0.5, 0.1))).isEqualTo(20);
        assertThat(ImbalanceSampler.largestCommonSize(90, 10, List.of(0.5, 0.9))).isEqualTo(21);
        assertThat(ImbalanceSampler.fixedSize(20, 100, 0.25, 80)).isEqualTo(new Counts(20, 60));
    }

    @Test
    void refusesASizeThatThePoolDoesNotGive() {
        assertThatThrownBy(() -> ImbalanceSampler.draw(pool(50, 10, 0, 0), 0.5, 40, 1))
                .isInstanceOfSatisfying(CulvertException.class,
                        e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.DATA))
                .hasMessage("a set of 40 images with a share of defects of 0.5 takes 20 defective and 20 normal images, "
                        + "and there are 10 and 50: take a set of at most 20");
        assertThatThrownBy(() -> ImbalanceSampler.fixedSize(50, 50, 0.01, 20)).hasMessageContaining("no defective image");
        assertThatThrownBy(() -> ImbalanceSampler.fixedSize(50, 50, 0.5, 0)).hasMessageContaining("1 image or more");
        assertThatThrownBy(() -> ImbalanceSampler.largestCommonSize(2, 50, List.of(0.5, 0.01)))
                .hasMessageContaining("it would have 4 images, and at 0.01 none defective");
    }

    @Test
    void countsByHand() {
        assertThat(ImbalanceSampler.counts(500, 600, 0.25)).isEqualTo(new Counts(200, 600));
        assertThat(ImbalanceSampler.counts(100, 600, 0.25)).isEqualTo(new Counts(100, 300));
        assertThat(ImbalanceSampler.counts(7, 100, 0.05)).isEqualTo(new Counts(5, 95));
    }

    @Test
    void thinsDefectsEvenlyOverTheirCodes() {
        Dataset pool = pool(900, 300, 60, 40);
        Dataset drawn = ImbalanceSampler.draw(pool, 0.1, 1);
        assertThat(drawn.size()).isEqualTo(1000);
        assertThat(drawn.count(DefectCode.RB)).isEqualTo(75);
        assertThat(drawn.count(DefectCode.RO)).isEqualTo(15);
        assertThat(drawn.count(DefectCode.FS)).isEqualTo(10);
        assertThat(drawn.samples()).isSubsetOf(pool.samples()).doesNotHaveDuplicates();
        assertThat(drawn).isEqualTo(ImbalanceSampler.draw(pool, 0.1, 1));
        assertThat(drawn).isNotEqualTo(ImbalanceSampler.draw(pool, 0.1, 2));
    }

    @Test
    void thinsNormalsWhereDefectsAreFew() {
        Dataset drawn = ImbalanceSampler.draw(pool(900, 30, 6, 4), 0.5, 1);
        assertThat(drawn.defectCount()).isEqualTo(40);
        assertThat(drawn.size()).isEqualTo(80);
    }

    @Test
    void refusesWhatCannotBeDrawn() {
        assertThatThrownBy(() -> ImbalanceSampler.draw(pool(50, 1, 0, 0), 0.01, 1)).isInstanceOf(CulvertException.class)
                .hasMessageContaining("1 defective and 50 normal images are too few for a share of 0.01");
        assertThatThrownBy(() -> ImbalanceSampler.draw(pool(50, 1, 0, 0), 1.0, 1))
                .hasMessageContaining("between 0 and 1");
        Dataset unlabelled = new Dataset(Path.of("images"), List.of(new Sample("1.png", 0, false)));
        assertThatThrownBy(() -> ImbalanceSampler.draw(unlabelled, 0.5, 1)).hasMessageContaining("needs labels");
    }

    @Test
    void aSplitKeepsTheSharesAndLosesNothing() {
        Dataset pool = pool(900, 300, 60, 41);
        StratifiedSplit split = StratifiedSplit.of(pool, 0.8, 5);
        assertThat(split.first().size()).isEqualTo(1041);
        assertThat(split.first().count(DefectCode.RB)).isEqualTo(240);
        assertThat(split.first().count(DefectCode.RO)).isEqualTo(48);
        List<Sample> both = new ArrayList<>(split.first().samples());
        both.addAll(split.second().samples());
        assertThat(both).containsExactlyInAnyOrderElementsOf(pool.samples());
        assertThat(split).isEqualTo(StratifiedSplit.of(pool, 0.8, 5));
        assertThat(split.first()).isNotEqualTo(StratifiedSplit.of(pool, 0.8, 6).first());
        assertThatThrownBy(() -> StratifiedSplit.of(pool(1, 0, 0, 0), 0.5, 1)).hasMessageContaining("too few");
    }

    private static Dataset pool(int normal, int cracks, int roots, int joints) {
        List<Sample> samples = new ArrayList<>();
        add(samples, normal, 0);
        add(samples, cracks, DefectCode.RB.bit());
        add(samples, roots, DefectCode.RO.bit());
        add(samples, joints, DefectCode.FS.bit());
        return new Dataset(Path.of("images"), samples);
    }

    private static void add(List<Sample> samples, int count, int codes) {
        for (int i = 0; i < count; i++) {
            samples.add(new Sample(samples.size() + ".png", codes, true));
        }
    }
}
