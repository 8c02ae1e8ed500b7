package io.culvert.data.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.augment.AugmentConfig.Blur;
import io.culvert.data.augment.AugmentConfig.Crop;
import io.culvert.data.augment.AugmentConfig.Jitter;
import io.culvert.data.augment.AugmentConfig.Solarize;
import io.culvert.device.CudaDevice;
import io.culvert.device.Precision;
import io.culvert.device.cuda.CudaContext;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.emulator.ptx.ExecutionOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code kernels/augment.cu} on the emulator against {@link ViewRenderer}: every transform alone, and all together. */
class CudaViewsTest {
    /** Relative, of the norm of a view. */
    private static final double TOLERANCE = 1e-5;

    private static final int SEED = 11;
    /** Height and width of the images, one view of each. */
    private static final int[][] IMAGES = {{1, 1}, {31, 33}, {5, 61}, {97, 3}, {48, 40}};

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void nothingIsLeft() {
        if (emulator != null) {
            emulator.order(ExecutionOrder.FORWARD);
            assertThat(emulator.leaks()).as("not given back").isEmpty();
        }
    }

    static Stream<Arguments> recipes() {
        Crop crop = Crop.of(0.3, 1, Interpolation.BILINEAR);
        Blur blur = new Blur(1, 5, 0.4, 1.9);
        // No byte's value: 0.6 is 153 / 255, where rounding decides on which side of the threshold a pixel is.
        Solarize solarize = new Solarize(1, 0.6013);
        Jitter jitter = new Jitter(1, 0.8, 0.7, 0.6, 0.3);
        return Stream.of(
                Arguments.of("plain", PlainView.SEWER_ML),
                Arguments.of("plain bicubic", new PlainView(Interpolation.BICUBIC, Normalization.SEWER_ML)),
                Arguments.of("crop", recipe(crop, 0, Jitter.NONE, 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("bicubic crop", recipe(Crop.of(0.1, 1, Interpolation.BICUBIC), 0, Jitter.NONE, 0, Blur.NONE,
                        Solarize.NONE)),
                Arguments.of("flip", recipe(crop, 1, Jitter.NONE, 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("brightness", recipe(crop, 0, new Jitter(1, 0.9, 0, 0, 0), 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("contrast", recipe(crop, 0, new Jitter(1, 0, 0.9, 0, 0), 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("saturation", recipe(crop, 0, new Jitter(1, 0, 0, 0.9, 0), 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("hue", recipe(crop, 0, new Jitter(1, 0, 0, 0, 0.5), 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("jitter", recipe(crop, 0, jitter, 0, Blur.NONE, Solarize.NONE)),
                Arguments.of("grey", recipe(crop, 0, Jitter.NONE, 1, Blur.NONE, Solarize.NONE)),
                Arguments.of("blur", recipe(crop, 0, Jitter.NONE, 0, blur, Solarize.NONE)),
                Arguments.of("solarize", recipe(crop, 0, Jitter.NONE, 0, Blur.NONE, solarize)),
                Arguments.of("all", recipe(crop, 1, jitter, 0.5, blur, new Solarize(0.5, 0.6013))),
                Arguments.of("barlow", AugmentPresets.views("barlow", 2).get(1)));
    }

    private static AugmentConfig recipe(
            Crop crop, double flip, Jitter jitter, double grey, Blur blur, Solarize solarize) {
        return new AugmentConfig(crop, flip, jitter, grey, blur, solarize, Normalization.SEWER_ML);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("recipes")
    void viewsAreThoseOfTheCpu(String name, ViewRecipe recipe) {
        ExecutionOrder[] orders = {ExecutionOrder.FORWARD, ExecutionOrder.REVERSE, ExecutionOrder.shuffled(5)};
        int[] sizes = {1, 17, 33};
        for (int i = 0; i < sizes.length; i++) {
            emulator.order(orders[i]);
            assertSame(onGpu(recipe, sizes[i], Long.MAX_VALUE), onCpu(recipe, sizes[i]), sizes[i]);
        }
    }

    /** What does not fit the cache at once goes through the kernels in parts, the last one smaller. */
    @Test
    void viewsMayBeMadeInParts() {
        ViewRecipe recipe = AugmentPresets.views("barlow", 1).getFirst();
        float[] whole = onGpu(recipe, 8, Long.MAX_VALUE);
        assertThat(onGpu(recipe, 8, 2 * 8 * 8 * 3 * 4)).isEqualTo(whole);
        assertThat(onGpu(recipe, 8, 1)).isEqualTo(whole);
    }

    @Test
    void refusesWhatTheKernelsCannotHold() {
        AugmentConfig wide = recipe(Crop.of(1, 1, Interpolation.BILINEAR), 0, Jitter.NONE, 0, new Blur(1, 301, 1, 30),
                Solarize.NONE);
        assertThatThrownBy(() -> ViewRecord.require(wide, 512))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("a blur of 301 pixels with sigma up to 30.0");
        ViewRecord.require(recipe(wide.crop(), 0, Jitter.NONE, 0, new Blur(1, 301, 1, 19), Solarize.NONE), 512);
        DrawnView view = new DrawnView();
        view.whole(511, 300, Interpolation.BILINEAR);
        assertThat(ViewRecord.fits(view, 1, 1)).isTrue();
        view.whole(512, 300, Interpolation.BILINEAR);
        assertThat(ViewRecord.fits(view, 1, 1)).isFalse();
        assertThat(ViewRecord.fits(view, 2, 1)).isTrue();
        view.whole(20, 256, Interpolation.BICUBIC);
        assertThat(ViewRecord.fits(view, 1, 1)).isFalse();
    }

    private static List<byte[]> images() {
        Random random = new Random(3);
        List<byte[]> images = new ArrayList<>();
        for (int[] extents : IMAGES) {
            byte[] image = new byte[3 * extents[0] * extents[1]];
            random.nextBytes(image);
            images.add(image);
        }
        return images;
    }

    private static float[] onCpu(ViewRecipe recipe, int size) {
        ViewRenderer renderer = new ViewRenderer(recipe, size);
        long viewBytes = 3L * size * size * Float.BYTES;
        List<byte[]> images = images();
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(IMAGES.length * viewBytes, Float.BYTES);
            for (int i = 0; i < IMAGES.length; i++) {
                renderer.render(MemorySegment.ofArray(images.get(i)), IMAGES[i][0], IMAGES[i][1],
                        new CounterRng().key(SEED, i, 0, 0), out.asSlice(i * viewBytes, viewBytes));
            }
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static float[] onGpu(ViewRecipe recipe, int size, long chunkBytes) {
        int count = IMAGES.length;
        List<byte[]> images = images();
        long bytes = images.stream().mapToLong(image -> image.length).sum();
        try (Arena call = Arena.ofConfined();
                CudaDevice device = CudaDevice.open(0, Precision.FP32)) {
            MemorySegment records = call.allocate((long) count * ViewRecord.BYTES, Long.BYTES);
            MemorySegment pixels = call.allocate(bytes);
            DrawnView drawn = new DrawnView();
            boolean blurred = false;
            long offset = 0;
            for (int i = 0; i < count; i++) {
                drawn.draw(recipe, size, IMAGES[i][0], IMAGES[i][1], new CounterRng().key(SEED, i, 0, 0));
                assertThat(ViewRecord.fits(drawn, size, size)).isTrue();
                ViewRecord.write(records, (long) i * ViewRecord.BYTES, drawn, offset, IMAGES[i][0], IMAGES[i][1]);
                MemorySegment.copy(images.get(i), 0, pixels, ValueLayout.JAVA_BYTE, offset, images.get(i).length);
                offset += images.get(i).length;
                blurred |= drawn.blurred();
            }
            CudaContext cuda = device.context();
            long recordsThere = cuda.allocate("records", records.byteSize());
            cuda.stream().copyToDevice(recordsThere, records);
            long pixelsThere = cuda.allocate("images", bytes);
            cuda.stream().copyToDevice(pixelsThere, pixels);
            MemorySegment out = call.allocate(3L * count * size * size * Float.BYTES, Float.BYTES);
            long outThere = cuda.allocate("views", out.byteSize());
            long normalization = CudaViews.normalization(cuda, recipe.normalization());
            CudaViews.Target target = new CudaViews.Target(outThere, count, size, size, false);
            new CudaViews(cuda, target, recordsThere, pixelsThere, normalization, chunkBytes).run(blurred);
            cuda.stream().copyToHost(out, outThere);
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private static void assertSame(float[] got, float[] want, int size) {
        int view = 3 * size * size;
        for (int i = 0; i < IMAGES.length; i++) {
            double off = 0;
            double norm = 0;
            for (int j = i * view; j < (i + 1) * view; j++) {
                off += Math.pow((double) got[j] - want[j], 2);
                norm += Math.pow(want[j], 2);
            }
            assertThat(Math.sqrt(off / norm))
                    .as("relative error of image %d x %d at size %d", IMAGES[i][0], IMAGES[i][1], size)
                    .isLessThan(TOLERANCE);
        }
    }
}
