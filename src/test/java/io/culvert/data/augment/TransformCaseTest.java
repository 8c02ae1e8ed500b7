package io.culvert.data.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.augment.TransformCase.Planes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TransformCaseTest {
    /** Float32 against torchvision in float64. */
    private static final double TOLERANCE = 1e-6;

    static Stream<Path> vectors() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("test/resources/vectors"))) {
            return files.filter(f -> f.getFileName().toString().startsWith("tf_")).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void agreesWithTorchvision(Path file) throws IOException {
        VectorFile vector = VectorFile.read(file);
        int[] size = vector.imageShape();
        Planes got = TransformCase.apply(vector.name(), vector.params(), vector.image(), size[0], size[1]);
        assertThat(new int[] {3, got.height(), got.width()}).isEqualTo(vector.shape());
        assertThat(relativeError(got.values(), vector.y())).isLessThan(TOLERANCE);
    }

    @Test
    void everyTransformHasAVector() throws IOException {
        assertThat(vectors().map(TransformCaseTest::name).distinct()).containsExactlyInAnyOrder("resize", "crop_resize",
                "color_jitter", "grayscale", "gaussian_blur", "solarize", "horizontal_flip", "normalize");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 31, 33})
    void resizingToTheSameSizeChangesNothing(int width) {
        byte[] image = new byte[3 * 5 * width];
        new Random(width).nextBytes(image);
        for (boolean antialias : new boolean[] {true, false}) {
            Planes got = TransformCase.apply("resize", Map.of("height", 5, "width", width, "interpolation", "bicubic",
                    "antialias", antialias), image, 5, width);
            for (int i = 0; i < 5 * width; i++) {
                assertThat(got.values()[i]).isEqualTo((image[3 * i] & 0xFF) / 255f, within());
            }
        }
    }

    @Test
    void theOrderOfAJitterMayBeIndices() {
        byte[] image = {10, 120, (byte) 200, 90, 30, 5};
        Map<String, Object> factors = Map.of("brightness", 1.5, "contrast", 0.5, "saturation", 1.2, "hue", 0.1);
        float[] named = jitter(image, factors, List.of("hue", "brightness", "saturation", "contrast"));
        assertThat(jitter(image, factors, List.of(3, 0, 2, 1))).isEqualTo(named);
        assertThat(jitter(image, factors, List.of(0, 1, 2, 3))).isNotEqualTo(named);
    }

    @Test
    void namesWhatIsWrong() {
        byte[] image = new byte[12];
        assertThatThrownBy(() -> TransformCase.apply("rotate", Map.of(), image, 2, 2))
                .isInstanceOf(CulvertException.class).hasMessageContaining("unknown transform 'rotate'");
        assertThatThrownBy(() -> TransformCase.apply("solarize", Map.of(), image, 2, 2))
                .isInstanceOf(CulvertException.class).hasMessage("solarize: parameter 'threshold' is missing");
        Map<String, Object> oneMean = Map.of("mean", 0.5, "std", List.of(1, 1, 1));
        assertThatThrownBy(() -> TransformCase.apply("normalize", oneMean, image, 2, 2))
                .hasMessageContaining("'mean' must be a list of 3 numbers");
        assertThatThrownBy(() -> TransformCase.apply("crop_resize", Map.of("top", 1, "left", 0, "height", 2, "width", 2,
                "out_height", 2, "out_width", 2, "interpolation", "bilinear"), image, 2, 2))
                .hasMessageContaining("leaves the 2x2 image");
        assertThatThrownBy(() -> TransformCase.apply("resize", Map.of("height", 2, "width", 2, "interpolation", "area"),
                image, 2, 2)).hasMessageContaining("bilinear or bicubic");
        assertThatThrownBy(() -> TransformCase.apply("gaussian_blur", Map.of("kernel", 5, "sigma", 1), image, 2, 2))
                .hasMessageContaining("kernel 5.0");
        assertThatThrownBy(() -> TransformCase.apply("grayscale", Map.of(), image, 3, 2))
                .hasMessageContaining("takes 18 bytes, got 12");
    }

    private static float[] jitter(byte[] image, Map<String, Object> factors, List<?> order) {
        Map<String, Object> params = new HashMap<>(factors);
        params.put("order", order);
        return TransformCase.apply("color_jitter", params, image, 1, 2).values();
    }

    private static String name(Path file) {
        try {
            return VectorFile.read(file).name();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Offset<Float> within() {
        return Offset.offset(1e-6f);
    }

    private static double relativeError(float[] got, float[] want) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            difference += Math.pow((double) got[i] - want[i], 2);
            norm += Math.pow(want[i], 2);
        }
        return Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-12 * Math.sqrt(want.length));
    }
}
