package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.cpu.RgbImage;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** ImageIO's pixels against PIL's, for the kinds of file whose conversion ImageIO makes easy to get wrong. */
class FallbackDecoderTest {
    @ParameterizedTest
    @CsvSource({
        "rgb.png, 0",
        "grey.png, 0",
        "bilevel.png, 0",
        "palette.png, 0",
        "rgba.png, 0",
        "grey-alpha.png, 0",
        "rgb16.png, 0",
        "grey.jpg, 1",
        "full-chroma.jpg, 1",
        "progressive.jpg, 1"
    })
    void pixelsAreThoseOfTheFile(String name, int tolerance) throws IOException {
        ByteBuffer expected = ByteBuffer.wrap(bytes(name + ".rgb"));
        try (Arena arena = Arena.ofConfined();
                RgbImage image = new RgbImage()) {
            MemorySegment encoded = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes(name));
            FallbackDecoder.decode(Path.of(name), encoded, image);
            assertThat(image.height()).isEqualTo(expected.getInt());
            assertThat(image.width()).isEqualTo(expected.getInt());
            int largest = 0;
            for (byte value : image.pixels().toArray(ValueLayout.JAVA_BYTE)) {
                largest = Math.max(largest, Math.abs(Byte.toUnsignedInt(value) - Byte.toUnsignedInt(expected.get())));
            }
            assertThat(largest).isLessThanOrEqualTo(tolerance);
        }
    }

    private static byte[] bytes(String name) throws IOException {
        try (InputStream in = FallbackDecoderTest.class.getResourceAsStream("/images/" + name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        }
    }
}
