package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GroupSplitTest {
    /** 300 pipes of 1 to 40 frames, defects in runs, so that pipes differ in their share of defects. */
    @ParameterizedTest
    @ValueSource(doubles = {0.5, 0.2, 0.1, 0.02})
    void keepsGroupsWholeAndSharesNearly(double fraction) {
        Random random = new Random(11);
        int[] groups = IntStream.range(0, 300).flatMap(g -> IntStream.generate(() -> g).limit(1 + random.nextInt(40)))
                .toArray();
        double[] share = random.doubles(300, 0, 0.5).toArray();
        int[] marks = Arrays.stream(groups).map(g -> random.nextDouble() < share[g] ? 1 : 2).toArray();
        int count = (int) Math.round(fraction * groups.length);
        int[] first = GroupSplit.take(groups, marks, count, 5);
        int[] taken = Arrays.stream(first).map(row -> groups[row]).distinct().toArray();
        assertThat(first).isSorted().hasSize(
                (int) Arrays.stream(groups).filter(g -> Arrays.stream(taken).anyMatch(t -> t == g)).count());
        assertThat(first.length).isBetween((int) (0.95 * count) - 2, count);
        double defects = Arrays.stream(marks).filter(mark -> mark == 1).count();
        double here = Arrays.stream(first).filter(row -> marks[row] == 1).count();
        assertThat(here / first.length).isCloseTo(defects / groups.length, within(0.02));
        assertThat(first).containsExactly(GroupSplit.take(groups, marks, count, 5));
        assertThat(first).isNotEqualTo(GroupSplit.take(groups, marks, count, 6));
    }

    @Test
    void groupsThatAreTooLargeStayInTheSecondPart() {
        int[] groups = {0, 0, 0, 0, 1, 1, 1, 1, 2, 3};
        assertThat(GroupSplit.take(groups, new int[] {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 2, 1)).containsExactly(8, 9);
        assertThat(GroupSplit.take(new int[] {0, 0, 0}, new int[] {1, 1, 1}, 2, 1)).isEmpty();
        assertThat(GroupSplit.take(new int[0], new int[0], 0, 1)).isEmpty();
    }
}
