package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class SpectrumTest {
    /** The golden numbers are printed with nine decimals. */
    private static final Offset<Double> PRINTED = within(1e-9);

    /** {@code Z_ij = sin(1 + .7 i + 1.3 j) + .5 cos^2(.5 + .9 i - .4 j) + .3 sin(.37 (i + 1)(j + 1))}, 12 x 4. */
    static double[] golden() {
        double[] z = new double[48];
        for (int i = 0; i < 12; i++) {
            for (int j = 0; j < 4; j++) {
                double cos = Math.cos(0.5 + 0.9 * i - 0.4 * j);
                z[4 * i + j] = Math.sin(1 + 0.7 * i + 1.3 * j) + 0.5 * cos * cos
                        + 0.3 * Math.sin(0.37 * (i + 1) * (j + 1));
            }
        }
        return z;
    }

    @Test
    void goldenSingularValuesAndTheirScores() {
        double[] s = Spectrum.singularValues(golden(), 12, 4);
        assertThat(s).containsExactly(new double[] {4.222834972, 3.017730181, 2.030665660, 0.700291564}, PRINTED);
        assertThat(Spectrum.rankMe(s, 0)).isCloseTo(3.442493547, PRINTED);
        assertThat(Spectrum.rankMe(s, 1e-7)).isCloseTo(3.442494339, PRINTED);
        assertThat(Spectrum.rankMe(s, 1e-6)).isCloseTo(3.442501471, PRINTED);
        assertThat(Spectrum.rankMe(s, 1e-5)).isCloseTo(3.442572783, PRINTED);
        assertThat(Spectrum.stableRank(s)).isCloseTo(1.769428490, PRINTED);
    }

    @Test
    void goldenEigenvaluesAndTheirScores() {
        double[] l = Spectrum.covarianceEigenvalues(golden(), 12, 4);
        assertThat(l).containsExactly(new double[] {1.458903279, 0.809979627, 0.071307639, 0.042631860}, PRINTED);
        assertThat(Spectrum.neSum(l)).isCloseTo(1.633297038, PRINTED);
        assertThat(Spectrum.participationRatio(l)).isCloseTo(2.034071664, PRINTED);
        assertThat(Spectrum.alphaReq(l, 1, 4)).isCloseTo(2.719887423, PRINTED);
    }

    @Test
    void aTallMatrixAndItsTransposeHaveOneSpectrum() {
        double[] z = golden();
        double[] transposed = new double[48];
        for (int i = 0; i < 12; i++) {
            for (int j = 0; j < 4; j++) {
                transposed[12 * j + i] = z[4 * i + j];
            }
        }
        assertThat(Spectrum.singularValues(transposed, 4, 12))
                .containsExactly(Spectrum.singularValues(z, 12, 4), within(1e-14));
    }

    @Test
    void aPowerLawHasItsExponent() {
        double[] l = new double[50];
        for (int i = 0; i < l.length; i++) {
            l[i] = i < 40 ? 3 * Math.pow(i + 1, -1.25) : 0;
        }
        assertThat(Spectrum.alphaReq(l, 1, 50)).isCloseTo(1.25, within(1e-12));
        assertThat(Spectrum.alphaReq(l, 11, 30)).isCloseTo(1.25, within(1e-12));
    }

    @Test
    void collapsedAndEvenEmbeddingsAreTheEnds() {
        double[] collapsed = {1, 2, 2, 4, 3, 6};
        assertThat(Spectrum.rankMe(Spectrum.singularValues(collapsed, 3, 2), 0)).isCloseTo(1, within(1e-12));
        assertThat(Spectrum.rankMe(new double[] {2, 2, 2}, 0)).isCloseTo(3, within(1e-12));
        assertThat(Spectrum.stableRank(new double[] {2, 2, 2})).isEqualTo(3);
    }

    @Test
    void refusesWhatHasNoAnswer() {
        fails(() -> Spectrum.singularValues(new double[] {1, Double.NaN}, 2, 1), "feature 0 of row 1 is NaN");
        fails(() -> Spectrum.singularValues(new double[5], 2, 3), "do not make a matrix of 2 x 3");
        fails(() -> Spectrum.rankMe(new double[] {0, 0}, 1e-7), "RankMe is undefined");
        fails(() -> Spectrum.covarianceEigenvalues(new double[] {1, 2}, 1, 2), "at least 2 rows");
        fails(() -> Spectrum.alphaReq(new double[] {1, 0.5}, 1, 3), "but there are 2");
        fails(() -> Spectrum.alphaReq(new double[] {1, 0}, 1, 2), "needs 2 eigenvalues above 0");
        fails(() -> Correlation.spearman(new double[] {1, 1}, new double[] {1, 2}), "x to vary");
        fails(() -> Correlation.spearman(new double[] {1, 1}, new double[] {1}), "one length");
    }

    private static void fails(Runnable call, String say) {
        assertThatThrownBy(call::run).isInstanceOf(CulvertException.class).hasMessageContaining(say);
    }
}
