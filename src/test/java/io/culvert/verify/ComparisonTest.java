package io.culvert.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.safetensors.StoredTensor;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void theErrorIsRelativeInTheTwoNorm() {
        StoredTensor want = StoredTensor.floats(arena, "out/y", List.of(2L), 3, 4);
        assertThat(Comparison.relativeError(new double[] {3, 4}, want)).isZero();
        assertThat(Comparison.relativeError(new double[] {3.3, 4.4}, want)).isCloseTo(0.1, within(1e-12));
    }

    @Test
    void expectedZerosAllowOnlyTinyValues() {
        StoredTensor want = StoredTensor.floats(arena, "out/y", List.of(4L), 0, 0, 0, 0);
        assertThat(Comparison.relativeError(new double[4], want)).isZero();
        assertThat(Comparison.relativeError(new double[] {1e-12, 1e-12, 1e-12, 1e-12}, want))
                .isCloseTo(1, within(1e-9));
    }

    @Test
    void theWorstTensorIsReported() {
        StoredTensor y = StoredTensor.floats(arena, "out/y", List.of(1L), 1);
        StoredTensor z = StoredTensor.floats(arena, "out/z", List.of(1L), 1);
        Comparison worst = Comparison.worst(
                List.of(y, z),
                Map.of("out/y", Computed.scalar(1.5), "out/z", new Computed(List.of(1L), new double[] {1.25})));
        assertThat(worst).isEqualTo(new Comparison(0.5, "out/y", ""));
        assertThat(Comparison.worst(List.of(y, z), Map.of("out/y", Computed.scalar(1))))
                .isEqualTo(new Comparison(Double.POSITIVE_INFINITY, "out/z", "missing"));
    }

    @Test
    void aScalarMayBeStoredWithOneAxisButAVectorNotWithout() {
        assertThat(Computed.scalar(1).hasShape(List.of())).isTrue();
        assertThat(Computed.scalar(1).hasShape(List.of(1L))).isTrue();
        assertThat(Computed.scalar(1).hasShape(List.of(1L, 1L))).isFalse();
        assertThat(new Computed(List.of(1L), new double[1]).hasShape(List.of())).isFalse();
    }
}
