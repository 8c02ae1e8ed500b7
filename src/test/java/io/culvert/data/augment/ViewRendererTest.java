package io.culvert.data.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.augment.AugmentConfig.Blur;
import io.culvert.data.augment.AugmentConfig.Crop;
import io.culvert.data.augment.AugmentConfig.Jitter;
import io.culvert.data.augment.AugmentConfig.Solarize;
import io.culvert.data.augment.TransformCase.Planes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ViewRendererTest {
    private static final int HEIGHT = 61;
    private static final int WIDTH = 83;
    private static final Normalization RAW = new Normalization(List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));

    private final byte[] image = image();

    @Test
    void aPlainViewIsTheResizedImageNormalised() {
        float[] view = render(PlainView.SEWER_ML, 32, 0);
        Planes resized = TransformCase.apply("resize", Map.of("height", 32, "width", 32, "interpolation", "bilinear"),
                image, HEIGHT, WIDTH);
        for (int i = 0; i < 32 * 32; i++) {
            for (int c = 0; c < 3; c++) {
                float mean = Normalization.SEWER_ML.mean().get(c).floatValue();
                float std = Normalization.SEWER_ML.std().get(c).floatValue();
                float want = (resized.values()[c * 32 * 32 + i] - mean) / std;
                assertThat(view[3 * i + c]).isCloseTo(want, within(1e-5f));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 1", "2, 0", "3, 1"})
    void aViewIsItsTransformsInOrder(int index, double flip) {
        AugmentConfig recipe = new AugmentConfig(Crop.of(0.2, 0.9, Interpolation.BICUBIC), flip, Jitter.NONE, 1,
                new Blur(1, 5, 0.7, 0.7), new Solarize(1, 0.5), RAW);
        CropBox box = new CropBox();
        box.draw(recipe.crop(), HEIGHT, WIDTH, new CounterRng().key(1, 2, index, 0));
        FloatImage want = new FloatImage();
        new Resize().cropResize(MemorySegment.ofArray(image), WIDTH, box.top, box.left, box.height, box.width, want, 33,
                33, Interpolation.BICUBIC, true);
        Pixelwise.clamp(want);
        ColorJitter.grayscale(want);
        new GaussianBlur().apply(want, 5, 0.7);
        Pixelwise.solarize(want, 0.5f);
        if (flip == 1) {
            Pixelwise.horizontalFlip(want);
        }
        float[] view = render(recipe, 33, index);
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < 33 * 33; i++) {
                assertThat(view[3 * i + c]).isEqualTo(want.plane(c)[i]);
            }
        }
    }

    @Test
    void theKeyAloneDecidesAView() {
        AugmentConfig recipe = AugmentPresets.views("barlow", 2).get(1);
        ViewRenderer reused = new ViewRenderer(recipe, 24);
        for (int index = 0; index < 50; index++) {
            assertThat(render(reused, 24, index)).isEqualTo(render(recipe, 24, index));
        }
        assertThat(render(recipe, 24, 0)).isNotEqualTo(render(recipe, 24, 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"study", "simclr", "barlow", "byol", "mae"})
    void presetsRenderFiniteViewsOfAnySize(String name) {
        for (AugmentConfig recipe : AugmentPresets.views(name, 2)) {
            for (int size : new int[] {1, 2, 7, 64}) {
                for (int index = 0; index < 20; index++) {
                    for (float x : render(recipe, size, index)) {
                        // 0..1 before Sewer-ML's normalisation
                        assertThat(x).isBetween(-2.5f, 4.3f);
                    }
                }
            }
        }
    }

    @Test
    void stepsHappenAsOftenAsTheirProbability() {
        AugmentConfig recipe = new AugmentConfig(new Crop(1, 1, (double) WIDTH / HEIGHT, (double) WIDTH / HEIGHT,
                Interpolation.BILINEAR), 0.5, Jitter.NONE, 0.2, Blur.NONE, Solarize.NONE, RAW);
        AugmentConfig still = new AugmentConfig(recipe.crop(), 0, Jitter.NONE, 0, Blur.NONE, Solarize.NONE, RAW);
        float[] straight = render(still, 8, 0);
        int draws = 4000;
        int grey = 0;
        int same = 0;
        for (int index = 0; index < draws; index++) {
            float[] view = render(recipe, 8, index);
            grey += view[0] == view[1] && view[1] == view[2] ? 1 : 0;
            same += Arrays.equals(view, straight) ? 1 : 0;
        }
        assertThat((double) grey / draws).isCloseTo(0.2, within(0.02));
        assertThat((double) same / draws).isCloseTo(0.8 * 0.5, within(0.025));
    }

    @Test
    void cropsStayInRangeAndInside() {
        Crop crop = Crop.of(0.08, 1, Interpolation.BILINEAR);
        CropBox box = new CropBox();
        double meanArea = 0;
        for (int index = 0; index < 5000; index++) {
            box.draw(crop, 284, 350, new CounterRng().key(0, 0, index, 0));
            assertThat(box.top).isBetween(0, 284 - box.height);
            assertThat(box.left).isBetween(0, 350 - box.width);
            double area = box.height * box.width / (284.0 * 350);
            assertThat(area).isBetween(0.075, 1.0);
            assertThat((double) box.width / box.height).isBetween(0.73, 1.36);
            meanArea += area / 5000;
        }
        // 0.4571 by 200,000 draws of torchvision's definition in NumPy: large crops of extreme ratio do not fit.
        assertThat(meanArea).isCloseTo(0.4571, within(4 * 0.228 / Math.sqrt(5000)));
    }

    @Test
    void aCropThatNeverFitsFallsBackToTheMiddle() {
        CropBox box = new CropBox();
        box.draw(Crop.of(1, 1, Interpolation.BILINEAR), 10, 1000, new CounterRng().key(0, 0, 0, 0));
        assertThat(new int[] {box.top, box.left, box.height, box.width}).containsExactly(0, 493, 10, 13);
        box.draw(Crop.of(1, 1, Interpolation.BILINEAR), 1000, 9, new CounterRng().key(0, 0, 0, 0));
        assertThat(new int[] {box.top, box.left, box.height, box.width}).containsExactly(494, 0, 12, 9);
    }

    @Test
    void blurKernelsFollowTheView() {
        Blur blur = new Blur(1, 0, 0.1, 2);
        assertThat(blur.kernelFor(224)).isEqualTo(23);
        assertThat(blur.kernelFor(64)).isEqualTo(7);
        assertThat(blur.kernelFor(32)).isEqualTo(3);
        assertThat(blur.kernelFor(1)).isEqualTo(1);
    }

    @Test
    void refusesImpossibleRecipes() {
        assertThatThrownBy(() -> new Crop(0, 1, 1, 1, Interpolation.BILINEAR)).isInstanceOf(CulvertException.class)
                .hasMessageContaining("crop scale");
        assertThatThrownBy(() -> new Blur(1, 4, 0.1, 2)).hasMessageContaining("blur kernel is odd");
        assertThatThrownBy(() -> new Jitter(1.5, 0, 0, 0, 0)).hasMessage("jitter is between 0 and 1, got 1.5");
        assertThatThrownBy(() -> AugmentPresets.views("moco", 2)).hasMessageContaining("unknown augmentation 'moco'");
        assertThatThrownBy(() -> AugmentPresets.views("study", 3)).hasMessageContaining("1 or 2 views");
    }

    private float[] render(ViewRecipe recipe, int size, int index) {
        return render(new ViewRenderer(recipe, size), size, index);
    }

    private float[] render(ViewRenderer renderer, int size, int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, image);
            MemorySegment out = arena.allocate(ValueLayout.JAVA_FLOAT, 3L * size * size);
            renderer.render(bytes, HEIGHT, WIDTH, new CounterRng().key(1, 2, index, 0), out);
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static byte[] image() {
        byte[] image = new byte[3 * HEIGHT * WIDTH];
        new Random(5).nextBytes(image);
        return image;
    }
}
