package io.culvert;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearestTest {
    @Test
    void distanceCountsEditsAndSwaps() {
        assertThat(Nearest.distance("kitten", "sitting")).isEqualTo(3);
        assertThat(Nearest.distance("momentum", "momentmu")).isEqualTo(1);
        assertThat(Nearest.distance("", "abc")).isEqualTo(3);
        assertThat(Nearest.distance("lr", "lr")).isZero();
    }

    @Test
    void findsTheLikelySlipAndNothingElse() {
        List<String> keys = List.of("lr", "momentum", "weight_decay");
        assertThat(Nearest.of("weight-decay", keys)).contains("weight_decay");
        assertThat(Nearest.of("momemtum", keys)).contains("momentum");
        assertThat(Nearest.of("lrs", keys)).contains("lr");
        assertThat(Nearest.of("zzzzzzzz", keys)).isEmpty();
        assertThat(Nearest.of("qq", keys)).isEmpty();
    }

    @Test
    void hintIsTheTailOfAMessage() {
        assertThat(Nearest.hint("momemtum", List.of("momentum"))).isEqualTo("; did you mean 'momentum'?");
        assertThat(Nearest.hint("x", List.of("momentum"))).isEmpty();
    }
}
