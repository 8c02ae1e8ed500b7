package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.device.cpu.RgbImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoding against what PIL decodes from the same files; see {@code images/make_images.py}. */
class ImageDecoderTest {
    private final ImageDecoder decoder = new ImageDecoder();
    private final RgbImage image = new RgbImage();

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        image.close();
        decoder.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "rgb.png",
                "one-pixel.png",
                "row.png",
                "column.png",
                "grey.png",
                "bilevel.png",
                "palette.png",
                "palette-alpha.png",
                "rgba.png",
                "grey-alpha.png",
                "grey-transparent.png",
                "gamma-linear.png",
                "gamma-srgb.png",
                "rgb16.png"
            })
    void pngIsExact(String name) throws IOException {
        assertThat(largestDifference(name)).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "colour-31x33.jpg",
                "colour-1x1.jpg",
                "colour-16x8.jpg",
                "colour-197x3.jpg",
                "full-chroma.jpg",
                "half-chroma.jpg",
                "progressive.jpg",
                "restart.jpg",
                "grey.jpg",
                "trailing.jpg"
            })
    void jpegIsWithinOneLevel(String name) throws IOException {
        assertThat(largestDifference(name)).isLessThanOrEqualTo(1);
    }

    @Test
    void cmykJpegBecomesRgb() throws IOException {
        assertThat(largestDifference("cmyk.jpg")).isLessThanOrEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rgb.png", "gamma-linear.png", "palette.png", "colour-31x33.jpg", "progressive.jpg", "cmyk.jpg"})
    void everyTruncationIsRefused(String name) throws IOException {
        byte[] whole = Files.readAllBytes(resource(name));
        Path file = folder.resolve(name);
        // A PNG's last chunk and a JPEG's last marker hold no pixels, but a file without them is not whole.
        for (int length = 0; length < whole.length; length += length < whole.length - 40 ? 13 : 1) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertRefused(() -> decoder.decode(file, image), file, "length " + length + " of " + whole.length);
        }
    }

    @Test
    void missingFileFolderTextAndEmptyFileAreNamed() throws IOException {
        Path text = Files.writeString(folder.resolve("notes.png"), "this is not an image, whatever its name says");
        Path empty = Files.write(folder.resolve("empty.jpg"), new byte[0]);
        Path missing = folder.resolve("missing.png");
        assertRefused(() -> decoder.decode(text, image), text, "no image format");
        assertRefused(() -> decoder.decode(empty, image), empty, "empty");
        assertRefused(() -> decoder.decode(missing, image), missing, "does not exist");
        assertRefused(() -> decoder.decode(folder, image), folder, "folder");
    }

    @Test
    void damagedPngNamesTheReason() throws IOException {
        byte[] bytes = Files.readAllBytes(resource("rgb.png"));
        bytes[bytes.length / 2] ^= 0x55;
        Path file = Files.write(folder.resolve("damaged.png"), bytes);
        assertRefused(() -> decoder.decode(file, image), file, "damaged");
    }

    @Test
    void jpegWithADamagedScanIsRefusedThoughItsEndIsThere() throws IOException {
        byte[] bytes = Files.readAllBytes(resource("colour-197x3.jpg"));
        byte[] cut = Arrays.copyOf(bytes, bytes.length * 3 / 4);
        cut[cut.length - 2] = (byte) 0xff;
        cut[cut.length - 1] = (byte) 0xd9;
        Path file = Files.write(folder.resolve("cut.jpg"), cut);
        assertRefused(() -> decoder.decode(file, image), file, "end marker after three quarters");
    }

    @Test
    void manyThreadsDecodeAtOnce() throws Exception {
        int[] expected = pixels("colour-31x33.jpg");
        Callable<Boolean> work = () -> {
            try (ImageDecoder own = new ImageDecoder();
                    RgbImage into = new RgbImage()) {
                for (int i = 0; i < 50; i++) {
                    own.decode(resource("rgb.png"), into);
                    own.decode(resource("colour-31x33.jpg"), into);
                    if (difference(into.pixels(), expected) > 1) {
                        return false;
                    }
                }
                return true;
            }
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> done : threads.invokeAll(IntStream.range(0, 4).mapToObj(i -> work).toList())) {
                assertThat(done.get()).isTrue();
            }
        }
    }

    private static void assertRefused(ThrowingCallable decoding, Path file, String description) {
        assertThatThrownBy(decoding)
                .as(description)
                .isInstanceOfSatisfying(
                        CulvertException.class,
                        e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.DATA))
                .hasMessageContaining(file.toString())
                .hasMessageNotContaining("\n");
    }

    private int largestDifference(String name) throws IOException {
        decoder.decode(resource(name), image);
        ByteBuffer expected = expected(name);
        assertThat(image.height()).isEqualTo(expected.getInt());
        assertThat(image.width()).isEqualTo(expected.getInt());
        return difference(image.pixels(), pixels(name));
    }

    private static int difference(MemorySegment actual, int[] expected) {
        assertThat(actual.byteSize()).isEqualTo(expected.length);
        int largest = 0;
        for (int i = 0; i < expected.length; i++) {
            int value = Byte.toUnsignedInt(actual.get(ValueLayout.JAVA_BYTE, i));
            largest = Math.max(largest, Math.abs(value - expected[i]));
        }
        return largest;
    }

    private static int[] pixels(String name) throws IOException {
        ByteBuffer expected = expected(name).position(2 * Integer.BYTES);
        int[] pixels = new int[expected.remaining()];
        Arrays.setAll(pixels, i -> Byte.toUnsignedInt(expected.get()));
        return pixels;
    }

    private static ByteBuffer expected(String name) throws IOException {
        return ByteBuffer.wrap(Files.readAllBytes(resource(name + ".rgb")));
    }

    private static Path resource(String name) {
        URL url = Objects.requireNonNull(ImageDecoderTest.class.getResource("/images/" + name), name);
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
