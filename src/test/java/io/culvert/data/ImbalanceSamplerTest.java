package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.data.ImbalanceSampler.Counts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImbalanceSamplerTest {
    /** The pool is half of Sewer-ML's training split; the expected sizes are the study's, printed to about 0.5 %. */
    @ParameterizedTest
    @CsvSource({
        "243654, 276410, 0.45, 501800, 225700",
        "243654, 276410, 0.15, 323900, 48700",
        "243654, 276410, 0.05, 289800, 14500",
        "243654, 276410, 0.02, 280900, 5600",
        "243654, 276410, 0.01, 278100, 2800",
    })
    void countsAreTheStudys(int defective, int normal, double share, int total, int wantedDefective) {
        Counts counts = ImbalanceSampler.counts(defective, normal, share);
        assertThat((double) counts.total()).isCloseTo(total, within(0.01 * total));
        assertThat((double) counts.defective()).isCloseTo(wantedDefective, within(0.01 * wantedDefective));
        assertThat((double) counts.defective() / counts.total()).isCloseTo(share, within(1e-4));
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
