package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import org.junit.jupiter.api.Test;

class StudentTTest {
    /** Printed in every table of the distribution. */
    @Test
    void boundsAreThoseOfTheTables() {
        int[] freedom = {1, 2, 3, 4, 5, 10, 30, 1000};
        double[] t95 = {12.706, 4.303, 3.182, 2.776, 2.571, 2.228, 2.042, 1.962};
        double[] t99 = {63.657, 9.925, 5.841, 4.604, 4.032, 3.169, 2.750, 2.581};
        for (int i = 0; i < freedom.length; i++) {
            assertThat(StudentT.bound(0.95, freedom[i])).isCloseTo(t95[i], within(6e-4));
            assertThat(StudentT.bound(0.99, freedom[i])).isCloseTo(t99[i], within(6e-4));
        }
    }

    /** With one degree of freedom it is Cauchy's, with two its share has a closed form. */
    @Test
    void sharesAreThoseOfClosedForms() {
        for (double t : new double[] {0, 0.3, 1, 7}) {
            assertThat(StudentT.within(t, 1)).isCloseTo(2 / Math.PI * Math.atan(t), within(1e-14));
            assertThat(StudentT.within(t, 2)).isCloseTo(t / Math.sqrt(2 + t * t), within(1e-14));
        }
        assertThatThrownBy(() -> StudentT.within(1, 0)).isInstanceOf(CulvertException.class);
    }
}
