package io.culvert.train;

import io.culvert.data.DefectCode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/** Pictures of noise and their table. */
final class TinyImages {
    private static final int WIDTH = 48;
    private static final int HEIGHT = 40;

    private TinyImages() {}

    /** Writes {@code count} pictures, every third with a defect, and {@code images.csv}. */
    static void write(Path folder, int count) throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        String codes = Stream.of(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","));
        StringBuilder csv = new StringBuilder("Filename,WaterLevel,VA," + codes + ",ND,Defect\n");
        for (int i = 0; i < count; i++) {
            BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
            for (int p = 0; p < WIDTH * HEIGHT; p++) {
                image.setRGB(p % WIDTH, p / WIDTH, random.nextInt(1 << 24));
            }
            String name = "%08d.png".formatted(i);
            ImageIO.write(image, "png", folder.resolve(name).toFile());
            boolean defect = i % 3 == 0;
            csv.append(name).append(",0,0").append(defect ? ",1" : ",0")
                    .append(",0".repeat(DefectCode.values().length - 1)).append(defect ? ",0,1\n" : ",1,0\n");
        }
        Files.writeString(folder.resolve("images.csv"), csv);
    }
}
