package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.augment.AugmentConfig;
import io.culvert.data.augment.AugmentPresets;
import io.culvert.data.augment.PlainView;
import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.device.cpu.RgbImage;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.StreamOrder;
import io.culvert.emulator.TestEmulator;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Batches that the GPU makes, on the emulator, against those that the loader's threads render. */
@Timeout(120)
class CudaFeedTest {
    private static final int SIZE = 9;
    private static final int BATCH = 3;
    private static final List<AugmentConfig> VIEWS = AugmentPresets.views("barlow", 2);
    private static final int LOCAL_SIZE = 5;
    private static final List<AugmentConfig> LOCAL = List.of(VIEWS.get(1), VIEWS.get(0), VIEWS.get(1));

    /** Relative, of a batch's norm. */
    private static final double TOLERANCE = 1e-5;

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void nothingIsLeft() {
        if (emulator != null) {
            emulator.order(StreamOrder.OTHERS_LATE);
            assertThat(emulator.leaks()).as("not given back").isEmpty();
        }
    }

    /** Pictures of many sizes, those from number 12 on much larger, so that memory must grow. */
    private static final class Painter implements Decoder {
        @Override
        public void decode(Path file, RgbImage into) {
            int number = Integer.parseInt(file.getFileName().toString());
            into.resize(7 + 3 * (number % 11) + 60 * (number / 12), 31 - number % 5);
            MemorySegment pixels = into.pixels();
            for (int i = 0; i < pixels.byteSize(); i++) {
                pixels.set(ValueLayout.JAVA_BYTE, i, (byte) (i * (number + 3) >> 2));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(StreamOrder.class)
    void everyBatchIsTheOneThatTheHostRenders(StreamOrder order) {
        emulator.order(order);
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 42, 3).withThreads(2);
        assertSame(onGpu(config, 22, true), onCpu(config, 22));
    }

    /** Nobody waits between the batches: each is copied elsewhere by the stream that computes, and read at the end. */
    @ParameterizedTest
    @EnumSource(StreamOrder.class)
    void theStreamsAloneKeepTheBatchesApart(StreamOrder order) {
        emulator.order(order);
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 7, 3).withDepth(2);
        assertSame(onGpu(config, 22, false), onCpu(config, 22));
    }

    @ParameterizedTest
    @EnumSource(StreamOrder.class)
    void memoryGrowsWhenLaterImagesAreLarger(StreamOrder order) {
        emulator.order(order);
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, BATCH).withDropLast(true).withDepth(2);
        assertSame(onGpu(config, 24, false), onCpu(config, 24));
    }

    @ParameterizedTest
    @EnumSource(StreamOrder.class)
    void viewsOfTwoSizesGoIntoTwoTensors(StreamOrder order) {
        emulator.order(order);
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 42, 3).withCrops(LOCAL, LOCAL_SIZE).withThreads(2);
        assertSame(onGpu(config, 22, false), onCpu(config, 22));
    }

    @Test
    void theCacheChangesNothing() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 42, 3);
        assertSame(onGpu(config.withCacheBytes(1 << 20), 10, true), onCpu(config, 10));
    }

    @Test
    void aResumedRunGetsTheSameBytes() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 42, 3);
        List<float[]> whole = onGpu(config, 10, true);
        List<float[]> rest = onGpu(config.withStart(1, 2).withThreads(2), 10, true);
        assertThat(rest).hasSize(4);
        for (int i = 0; i < rest.size(); i++) {
            assertThat(rest.get(i)).isEqualTo(whole.get(5 + i));
        }
    }

    @Test
    void anEpochsLastBatchMayHaveFewerImages() {
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 4);
        List<float[]> gpu = onGpu(config, 10, true);
        List<float[]> cpu = onCpu(config, 10);
        assertThat(gpu).hasSize(3);
        int two = 2 * SIZE * SIZE * 3;
        assertThat(error(Arrays.copyOf(gpu.get(2), two), Arrays.copyOf(cpu.get(2), two))).isLessThan(TOLERANCE);
        assertSame(gpu.subList(0, 2), cpu.subList(0, 2));
    }

    @Test
    void viewsOfTwoSizesMayHaveFewerImagesToo() {
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 4).withCrops(LOCAL.subList(0, 1), LOCAL_SIZE);
        float[] gpu = onGpu(config, 10, true).getLast();
        float[] cpu = onCpu(config, 10).getLast();
        for (int first : new int[] {0, 4 * SIZE * SIZE * 3}) {
            int two = first + 2 * 3 * (first == 0 ? SIZE * SIZE : LOCAL_SIZE * LOCAL_SIZE);
            assertThat(error(Arrays.copyOfRange(gpu, first, two), Arrays.copyOfRange(cpu, first, two))).isLessThan(TOLERANCE);
        }
    }

    @Test
    void aBadImageSurfacesAtItsBatchAndNamesItsFile() {
        Decoder broken = (file, into) -> {
            if (file.endsWith("4")) {
                throw CulvertException.data("%s: truncated", file);
            }
            new Painter().decode(file, into);
        };
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, BATCH);
        try (Device device = CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device);
                Feed feed = open(config, 9, device, input(arena, config), () -> broken)) {
            assertThat(feed.next()).isEqualTo(BATCH);
            for (int attempt = 0; attempt < 2; attempt++) {
                assertThatThrownBy(feed::next)
                        .isInstanceOf(CulvertException.class)
                        .hasMessage(Path.of("images", "4") + ": truncated");
            }
        }
    }

    @Test
    void aPictureThatTheKernelsCannotShrinkIsNamed() {
        Decoder huge = (file, into) -> into.resize(1, 600);
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, 1, 1);
        try (Device device = CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device);
                Feed feed = open(config, 1, device, input(arena, config), () -> huge)) {
            assertThatThrownBy(feed::next)
                    .isInstanceOf(CulvertException.class)
                    .hasMessage("image %s: the GPU does not shrink its 600 x 1 pixels to 1 at once: set "
                            + "data.augment_on=host",
                            Path.of("images", "0"));
        }
    }

    @Test
    void tooFewImagesLeaveNothingBehind() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 42, 1);
        try (Device device = CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device)) {
            Input pixels = input(arena, config);
            assertThatThrownBy(() -> open(config, 2, device, pixels, Painter::new))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("2 images do not fill one batch of 3");
        }
    }

    @Test
    void theCpuHasNoKernelsForIt() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, BATCH, 42, 1);
        try (Device device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            Input pixels = input(arena, config);
            assertThatThrownBy(() -> open(config, 9, device, pixels, Painter::new))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("data.augment_on");
        }
    }

    private static Feed open(LoaderConfig config, int images, Device device, Input input,
            Supplier<Decoder> decoders) {
        return Feed.open(dataset(images), config, device, input.pixels, Feed.Place.DEVICE, decoders);
    }

    /** What a network would read, and a tensor that covers it all. */
    private record Input(List<Tensor> pixels, Tensor whole) {}

    private static Input input(RunArena arena, LoaderConfig config) {
        List<Tensor> pixels = config.crops().stream()
                .map(crops -> Tensor.f32(
                        "pixels", crops.views().size() * config.batchSize(), crops.size(), crops.size(), 3))
                .toList();
        int values = pixels.stream().mapToInt(input -> Math.toIntExact(input.shape().count())).sum();
        Tensor whole = Tensor.f32("batch", values);
        Buffer buffer = arena.allocate("batch", whole.bytes());
        whole.bind(buffer, 0);
        long offset = 0;
        for (Tensor input : pixels) {
            input.bind(buffer, offset);
            offset += input.bytes();
        }
        return new Input(pixels, whole);
    }

    /** Every batch of the run. */
    private static List<float[]> onGpu(LoaderConfig config, int images, boolean waiting) {
        List<float[]> batches = new ArrayList<>();
        List<Tensor> copies = new ArrayList<>();
        try (CudaDevice device = CudaDevice.open(0, Precision.FP32);
                RunArena arena = new RunArena(device)) {
            Input input = input(arena, config);
            Tensor pixels = input.whole;
            int count = config.stepsPerEpoch(images) * (config.epochs() - config.startEpoch()) - config.startStep();
            Buffer all = arena.allocate("all", count * pixels.bytes());
            Buffer zeros = arena.allocate("zeros", pixels.bytes());
            int values = Math.toIntExact(pixels.shape().count());
            try (Feed feed = open(config, images, device, input, Painter::new)) {
                while (feed.next() > 0) {
                    if (waiting) {
                        batches.add(pixels.toFloats());
                    } else {
                        Tensor copy = Tensor.f32("copy", values);
                        copy.bind(all, copies.size() * pixels.bytes());
                        device.context().launch("elementwise", "add_f32").grid(1).block(256)
                                .pointer(copy.address()).pointer(zeros.address()).pointer(pixels.address())
                                .int32(values)
                                .run();
                        copies.add(copy);
                    }
                }
                copies.forEach(copy -> batches.add(copy.toFloats()));
            }
            assertThat(batches).hasSize(count);
        }
        return batches;
    }

    private static List<float[]> onCpu(LoaderConfig config, int images) {
        List<float[]> batches = new ArrayList<>();
        try (Device device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            List<Tensor> pixels = input(arena, config).pixels;
            try (Feed feed = Feed.open(dataset(images), config, device, pixels, Feed.Place.HOST, Painter::new)) {
                while (feed.next() > 0) {
                    batches.add(all(pixels));
                }
            }
        }
        return batches;
    }

    private static float[] all(List<Tensor> tensors) {
        float[] values = new float[0];
        for (Tensor tensor : tensors) {
            float[] more = tensor.toFloats();
            values = Arrays.copyOf(values, values.length + more.length);
            System.arraycopy(more, 0, values, values.length - more.length, more.length);
        }
        return values;
    }

    private static void assertSame(List<float[]> got, List<float[]> want) {
        assertThat(got).hasSameSizeAs(want);
        for (int i = 0; i < want.size(); i++) {
            assertThat(error(got.get(i), want.get(i))).as("relative error of batch " + i).isLessThan(TOLERANCE);
        }
    }

    private static double error(float[] got, float[] want) {
        double off = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            off += Math.pow((double) got[i] - want[i], 2);
            norm += Math.pow(want[i], 2);
        }
        return Math.sqrt(off / norm);
    }

    private static Dataset dataset(int size) {
        return new Dataset(Path.of("images"),
                IntStream.range(0, size).mapToObj(i -> new Sample(String.valueOf(i), 0, true)).toList());
    }
}
