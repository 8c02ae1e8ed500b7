package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.augment.AugmentConfig;
import io.culvert.data.augment.AugmentPresets;
import io.culvert.data.augment.PlainView;
import io.culvert.data.augment.ViewRenderer;
import io.culvert.device.cpu.RgbImage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ViewLoaderTest {
    private static final int SIZE = 16;
    private static final List<AugmentConfig> VIEWS = AugmentPresets.views("barlow", 2);

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void free() {
        arena.close();
    }

    /** Draws a picture from the digits of the file's name, some files larger than others. */
    private static final class Painter implements Decoder {
        @Override
        public void decode(Path file, RgbImage into) {
            paint(Integer.parseInt(file.getFileName().toString()), into);
        }

        static void paint(int number, RgbImage into) {
            int height = 20 + number % 7;
            int width = 30 - number % 5;
            into.resize(height, width);
            MemorySegment pixels = into.pixels();
            for (int i = 0; i < 3 * height * width; i++) {
                pixels.set(ValueLayout.JAVA_BYTE, i, (byte) (i * (number + 3) >> 2));
            }
        }
    }

    /** What a batch held, copied. */
    private record Copy(int epoch, int step, List<Integer> samples, float[] pixels) {}

    @Test
    void thePixelsDoNotDependOnTheThreads() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 8, 42, 3).withDropLast(false);
        List<Copy> alone = loadAll(dataset(29), config);
        assertThat(alone).hasSize(3 * 4);
        assertSame(loadAll(dataset(29), config.withThreads(2).withDepth(2)), alone);
        assertSame(loadAll(dataset(29), config.withThreads(5).withDepth(7)), alone);
    }

    @Test
    void aResumedRunContinuesWithTheSamePixels() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 8, 42, 3);
        List<Copy> whole = loadAll(dataset(29), config);
        assertThat(whole).hasSize(3 * 3);
        assertSame(loadAll(dataset(29), config.withStart(1, 2).withThreads(2)), whole.subList(5, 9));
        assertSame(loadAll(dataset(29), config.withStart(2, 0)), whole.subList(6, 9));
    }

    @Test
    void eachEpochHasItsOwnOrderOfAllSamples() {
        LoaderConfig config = LoaderConfig.training(VIEWS, 4, 7, 1, 2).withDropLast(false);
        List<Copy> batches = loadAll(dataset(20), config);
        List<Integer> first = samples(batches.subList(0, 3));
        List<Integer> second = samples(batches.subList(3, 6));
        assertThat(first).containsExactlyInAnyOrderElementsOf(IntStream.range(0, 20).boxed().toList());
        assertThat(second).containsExactlyInAnyOrderElementsOf(first).isNotEqualTo(first);
        assertThat(batches.getLast().samples()).hasSize(6);
        List<Copy> otherSeed = loadAll(dataset(20), LoaderConfig.training(VIEWS, 4, 7, 2, 1));
        assertThat(otherSeed.getFirst().samples()).isNotEqualTo(batches.getFirst().samples());
    }

    @Test
    void aBatchHoldsAllOfViewZeroFirst() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 5, 9, 2);
        Copy batch = loadAll(dataset(12), config).get(3);
        assertThat(batch.epoch()).isEqualTo(1);
        assertThat(batch.step()).isEqualTo(1);
        int floats = 3 * SIZE * SIZE;
        assertThat(batch.pixels()).hasSize(2 * 5 * floats);
        MemorySegment want = arena.allocate(ValueLayout.JAVA_FLOAT, floats);
        try (RgbImage image = new RgbImage()) {
            for (int view = 0; view < 2; view++) {
                for (int i = 0; i < 5; i++) {
                    int sample = batch.samples().get(i);
                    Painter.paint(sample, image);
                    new ViewRenderer(VIEWS.get(view), SIZE).render(image.pixels(), image.height(), image.width(),
                            new CounterRng().key(9, 1, sample, view), want);
                    int from = (view * 5 + i) * floats;
                    assertThat(Arrays.copyOfRange(batch.pixels(), from, from + floats))
                            .isEqualTo(want.toArray(ValueLayout.JAVA_FLOAT));
                }
            }
        }
    }

    @Test
    void evaluationTakesEveryImageOnceInOrder() {
        List<Copy> batches = loadAll(dataset(11), LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 4).withThreads(2));
        assertThat(samples(batches)).isEqualTo(IntStream.range(0, 11).boxed().toList());
        assertThat(batches).extracting(batch -> batch.pixels().length / (3 * SIZE * SIZE)).containsExactly(4, 4, 3);
        assertSame(loadAll(dataset(11), LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 4)), batches);
    }

    @Test
    void aBadImageSurfacesAtItsBatchAndNamesItsFile() {
        Decoder broken = (file, into) -> {
            int number = Integer.parseInt(file.getFileName().toString());
            if (number == 6 || number == 7) {
                throw CulvertException.data("%s: truncated", file);
            }
            Painter.paint(number, into);
        };
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 4).withThreads(3);
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(12), config, arena, () -> broken)) {
            loader.release(loader.next());
            for (int attempt = 0; attempt < 2; attempt++) {
                assertThatThrownBy(loader::next).isInstanceOf(CulvertException.class)
                        .hasMessage(Path.of("images", "6") + ": truncated");
            }
        }
    }

    /** Views of another size change nothing of the others, and are drawn as the views with the next numbers. */
    @Test
    void viewsOfTwoSizesComeApart() {
        List<AugmentConfig> two = AugmentPresets.views("barlow", 2);
        List<AugmentConfig> local = List.of(two.get(1), two.get(0), two.get(1));
        int size = 5;
        LoaderConfig config = LoaderConfig.training(two, SIZE, 4, 42, 1).withDropLast(false);
        List<Copy> plain = loadAll(dataset(6), config);
        try (ViewLoader<ViewBatch> loader =
                        ViewLoader.rendering(dataset(6), config.withCrops(local, size), arena, Painter::new);
                RgbImage image = new RgbImage()) {
            for (Copy want : plain) {
                ViewBatch batch = loader.next();
                assertThat(batch.pixels(0).toArray(ValueLayout.JAVA_FLOAT)).isEqualTo(want.pixels());
                MemorySegment view = arena.allocate(ValueLayout.JAVA_FLOAT, 3L * size * size);
                for (int i = 0; i < 3 * batch.count(); i++) {
                    int sample = batch.sampleIndices()[i % batch.count()];
                    Painter.paint(sample, image);
                    CounterRng rng = new CounterRng().key(42, 0, sample, 2 + i / batch.count());
                    new ViewRenderer(local.get(i / batch.count()), size)
                            .render(image.pixels(), image.height(), image.width(), rng, view);
                    assertThat(batch.pixels(1).asSlice(i * view.byteSize(), view.byteSize()).mismatch(view)).isEqualTo(-1);
                }
                assertThat(batch.pixels(1).byteSize()).isEqualTo(3L * batch.count() * view.byteSize());
                loader.release(batch);
            }
        }
    }

    @Test
    void loadsImageFiles() {
        Path images = Path.of("test/resources/images");
        Dataset dataset = new Dataset(images, List.of(new Sample("rgb.png", 0, true),
                new Sample("half-chroma.jpg", 1, true), new Sample("grey.jpg", 0, true)));
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 3).withThreads(2);
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset, config, arena, ImageDecoder::new);
                ImageDecoder decoder = new ImageDecoder(); RgbImage image = new RgbImage()) {
            float[] got = loader.next().pixels(0).toArray(ValueLayout.JAVA_FLOAT);
            int floats = 3 * SIZE * SIZE;
            MemorySegment want = arena.allocate(ValueLayout.JAVA_FLOAT, floats);
            for (int i = 0; i < 3; i++) {
                decoder.decode(dataset.path(i), image);
                new ViewRenderer(PlainView.SEWER_ML, SIZE).render(image.pixels(), image.height(), image.width(),
                        new CounterRng(), want);
                assertThat(Arrays.copyOfRange(got, i * floats, (i + 1) * floats))
                        .isEqualTo(want.toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        Dataset missing = new Dataset(images, List.of(new Sample("none.png", 0, true)));
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(missing, config, arena, ImageDecoder::new)) {
            assertThatThrownBy(loader::next).isInstanceOf(CulvertException.class).hasMessageContaining("none.png");
        }
    }

    @Test
    void aThreadThatCannotStartSurfacesToo() {
        LoaderConfig config = LoaderConfig.evaluation(PlainView.SEWER_ML, SIZE, 4);
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(12), config, arena, () -> {
            throw CulvertException.device("no decoder");
        })) {
            assertThatThrownBy(loader::next).isInstanceOf(CulvertException.class).hasMessage("no decoder");
        }
    }

    @Test
    void theCacheKeepsWhatItsBudgetHoldsAndChangesNoPixel() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 8, 42, 4).withDropLast(false);
        List<Copy> want = loadAll(dataset(29), config);
        AtomicInteger decoded = new AtomicInteger();
        Decoder counting = (file, into) -> {
            decoded.incrementAndGet();
            new Painter().decode(file, into);
        };
        assertSame(loadAll(dataset(29), config.withThreads(2).withCacheBytes(1 << 20), () -> counting), want);
        assertThat(decoded.getAndSet(0)).isEqualTo(29);
        // Each picture is 20 to 26 by 26 to 30 pixels, 1560 to 2340 bytes: 5 to 7 of them fit.
        assertSame(loadAll(dataset(29), config.withThreads(2).withCacheBytes(12_000), () -> counting), want);
        assertThat(decoded.get()).isBetween(4 * 29 - 3 * 7, 4 * 29 - 3 * 5);
    }

    @Test
    void tooFewImagesForABatchIsAnError() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 8, 42, 1);
        assertThatThrownBy(() -> ViewLoader.rendering(dataset(7), config, arena, Painter::new))
                .isInstanceOf(CulvertException.class).hasMessageContaining("7 images do not fill one batch of 8");
    }

    @Test
    void lentBatchesMustComeBack() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 4, 42, 1).withDepth(2);
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(20), config, arena, Painter::new)) {
            ViewBatch first = loader.next();
            loader.next();
            assertThatThrownBy(loader::next).isInstanceOf(IllegalStateException.class).hasMessageContaining("release");
            loader.release(first);
            assertThatThrownBy(() -> loader.release(first)).hasMessage("this batch is not taken");
            assertThat(loader.next().step()).isEqualTo(2);
        }
    }

    @Test
    void closingEndsEveryWait() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch decoding = new CountDownLatch(1);
        Decoder slow = (file, into) -> {
            decoding.countDown();
            await(stuck);
            Painter.paint(1, into);
        };
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 4, 42, 1).withThreads(2);
        ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(20), config, arena, () -> slow);
        CompletableFuture<ViewBatch> waiting = CompletableFuture.supplyAsync(loader::next);
        decoding.await();
        CompletableFuture<Void> closing = CompletableFuture.runAsync(loader::close);
        assertThatThrownBy(() -> waiting.get(5, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class)
                .hasRootCauseMessage("the loader is closed");
        stuck.countDown();
        closing.get(5, TimeUnit.SECONDS);
        loader.close();
        assertThatThrownBy(loader::next).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void closingWithAFullRingIsQuick() {
        LoaderConfig config = LoaderConfig.training(VIEWS, SIZE, 4, 42, 50).withThreads(2);
        for (int round = 0; round < 20; round++) {
            long start = System.nanoTime();
            try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(20), config, arena, Painter::new)) {
                loader.next();
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        }
    }

    @Test
    void countsTheTimeSpentWaiting() {
        Decoder slow = (file, into) -> {
            sleep(30);
            Painter.paint(1, into);
        };
        LoaderConfig config = LoaderConfig.training(VIEWS, 4, 2, 42, 1);
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(4), config, arena, () -> slow)) {
            loader.release(loader.next());
            assertThat(Duration.ofNanos(loader.waitNanos())).isBetween(Duration.ofMillis(40), Duration.ofSeconds(20));
        }
    }

    @Test
    void anImageCostsNextToNoHeap() {
        LoaderConfig config = LoaderConfig.training(AugmentPresets.views("simclr", 2), 32, 16, 3, 400);
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset(16), config, arena, Painter::new)) {
            assertThat(heapBytesAnImage(loader, batch -> {})).isLessThan(1024);
        }
    }

    @Test
    void norDoesAnImageThatTheDeviceWillRender() {
        LoaderConfig config = LoaderConfig.training(AugmentPresets.views("simclr", 2), 32, 16, 3, 400);
        List<PictureBatch> batches = new ArrayList<>();
        try (ViewLoader<PictureBatch> loader = new ViewLoader<>(dataset(16), config, arena, Painter::new,
                () -> {
                    batches.add(new PictureBatch(config, (bytes, owner) -> owner.allocate(bytes, 16)));
                    return batches.getLast();
                },
                () -> new PictureBatch.Writer(dataset(16), config))) {
            assertThat(heapBytesAnImage(loader, batch -> {
                if (batch.memory().byteSize() < batch.bytes()) {
                    batch.moveTo(batch.bytes(), (bytes, owner) -> owner.allocate(bytes, 16));
                }
            })).isLessThan(1024);
        }
        batches.forEach(PictureBatch::close);
    }

    /** What the one thread of a loader of 400 epochs of 16 images allocates for an image once it is warm. */
    private static <B extends Batch> long heapBytesAnImage(ViewLoader<B> loader, Consumer<B> use) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long worker = Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
                .filter(info -> info != null && info.getThreadName().equals("loader-0")).findFirst().orElseThrow()
                .getThreadId();
        skip(loader, 300, use);
        long before = threads.getThreadAllocatedBytes(worker);
        skip(loader, 90, use);
        return (threads.getThreadAllocatedBytes(worker) - before) / (90 * 16);
    }

    private static <B extends Batch> void skip(ViewLoader<B> loader, int batches, Consumer<B> use) {
        for (int i = 0; i < batches; i++) {
            B batch = loader.next();
            use.accept(batch);
            loader.release(batch);
        }
    }

    private List<Copy> loadAll(Dataset dataset, LoaderConfig config) {
        return loadAll(dataset, config, Painter::new);
    }

    private List<Copy> loadAll(Dataset dataset, LoaderConfig config, Supplier<Decoder> decoders) {
        List<Copy> copies = new ArrayList<>();
        try (ViewLoader<ViewBatch> loader = ViewLoader.rendering(dataset, config, arena, decoders)) {
            for (ViewBatch batch = loader.next(); batch != null; batch = loader.next()) {
                List<Integer> samples = Arrays.stream(batch.sampleIndices(), 0, batch.count()).boxed().toList();
                float[] pixels = batch.pixels(0).toArray(ValueLayout.JAVA_FLOAT);
                copies.add(new Copy(batch.epoch(), batch.step(), samples, pixels));
                loader.release(batch);
            }
            assertThat(loader.next()).isNull();
        }
        return copies;
    }

    private static void assertSame(List<Copy> got, List<Copy> want) {
        assertThat(got).usingRecursiveComparison().isEqualTo(want);
    }

    private static List<Integer> samples(List<Copy> batches) {
        return batches.stream().flatMap(batch -> batch.samples().stream()).toList();
    }

    private static Dataset dataset(int size) {
        return new Dataset(Path.of("images"),
                IntStream.range(0, size).mapToObj(i -> new Sample(String.valueOf(i), 0, true)).toList());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
