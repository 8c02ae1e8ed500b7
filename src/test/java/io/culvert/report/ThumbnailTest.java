package io.culvert.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ThumbnailTest {
    private static final String PREFIX = "data:image/jpeg;base64,";

    private static BufferedImage decode(String uri) throws IOException {
        assertThat(uri).startsWith(PREFIX);
        byte[] bytes = Base64.getDecoder().decode(uri.substring(PREFIX.length()));
        return ImageIO.read(new ByteArrayInputStream(bytes));
    }

    /** Left half orange, right half blue. */
    private static MemorySegment halves(int height, int width) {
        byte[] rgb = new byte[3 * height * width];
        for (int i = 0; i < height * width; i++) {
            boolean left = i % width < width / 2;
            rgb[3 * i] = (byte) (left ? 220 : 20);
            rgb[3 * i + 1] = (byte) (left ? 120 : 60);
            rgb[3 * i + 2] = (byte) (left ? 30 : 200);
        }
        return MemorySegment.ofArray(rgb);
    }

    @Test
    void shrinksToTheLongestSideAndKeepsTheColours() throws IOException {
        BufferedImage image = decode(Thumbnail.dataUri(halves(288, 352), 288, 352, 96));
        assertThat(image.getWidth()).isEqualTo(96);
        assertThat(image.getHeight()).isEqualTo(79);
        isNear(image.getRGB(20, 40), 220, 120, 30);
        isNear(image.getRGB(76, 40), 20, 60, 200);
    }

    @Test
    void leavesASmallPictureItsSize() throws IOException {
        BufferedImage image = decode(Thumbnail.dataUri(halves(31, 33), 31, 33, 96));
        assertThat(new int[] {image.getHeight(), image.getWidth()}).containsExactly(31, 33);
    }

    @Test
    void refusesTooFewBytes() {
        assertThatThrownBy(() -> Thumbnail.dataUri(MemorySegment.ofArray(new byte[11]), 2, 2, 96))
                .hasMessageContaining("11 bytes do not hold 2 x 2 x 3 pixels");
    }

    private static void isNear(int rgb, int red, int green, int blue) {
        assertThat(rgb >> 16 & 255).isCloseTo(red, within(8));
        assertThat(rgb >> 8 & 255).isCloseTo(green, within(8));
        assertThat(rgb & 255).isCloseTo(blue, within(8));
    }
}
