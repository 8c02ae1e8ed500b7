package io.culvert.tensorboard;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bytes as TensorBoard's own writer makes them; see also {@code tools/check-events.py}. */
class EventFileTest {
    /** 1 second, and half of one more, since 1970. */
    private static final long CLOCK = 1_500;

    private static final String GOLDEN = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c2100000000000000"
            + "017becf609000000000000f83f10ac022a130a110a0a747261696e2f6c6f737315cdcccc3dc67fe0f623000000000000"
            + "00b09f774309000000000000f83f10012a160a140a057669657773220b08021003180322030102036f4a9f2e";

    @TempDir
    Path folder;

    /** Written by tensorboard 2.21's RecordWriter from event_pb2.Event(wall_time=1.5, step=300, ...). */
    @Test
    void equalsTensorBoardsOwnBytes() throws IOException {
        try (EventFile events = EventFile.open(folder, 0, () -> CLOCK)) {
            events.scalar("train/loss", 300, 0.1);
            events.image("views", 1, 2, 3, new byte[] {1, 2, 3});
        }
        Path file = EventFile.files(folder).getFirst();
        assertThat(file.getFileName()).hasToString("events.out.tfevents.0000000001.culvert.0");
        assertThat(HexFormat.of().formatHex(Files.readAllBytes(file))).isEqualTo(GOLDEN);
    }

    @Test
    void framesCarryTheirChecksums() {
        byte[] data = "checksum".getBytes(StandardCharsets.US_ASCII);
        byte[] frame = Records.frame(data);
        CRC32C crc = new CRC32C();
        crc.update(data);
        long turned = (crc.getValue() >>> 15 | crc.getValue() << 17) & 0xffffffffL;
        long stored = 0;
        for (int i = 0; i < 4; i++) {
            stored |= (frame[frame.length - 4 + i] & 0xffL) << 8 * i;
        }
        assertThat(stored).isEqualTo((turned + 0xa282ead8L) & 0xffffffffL);
        assertThat(Records.read(frame)).hasSize(1);
        for (int i = 0; i < frame.length; i++) {
            byte[] damaged = frame.clone();
            damaged[i] ^= 4;
            assertThat(Records.read(damaged)).as("byte " + i).isEmpty();
        }
    }

    @Test
    void aResumedRunRepeatsNoStep() throws IOException {
        try (EventFile events = EventFile.open(folder, 0, () -> CLOCK)) {
            for (int step : new int[] {10, 200, 300, 40_000}) {
                events.scalar("train/loss", step, step);
            }
        }
        Path first = EventFile.files(folder).getFirst();
        byte[] whole = Files.readAllBytes(first);
        Files.write(first, Arrays.copyOf(whole, 9), StandardOpenOption.APPEND);
        try (EventFile events = EventFile.open(folder, 200, () -> CLOCK)) {
            events.scalar("train/loss", 300, 3);
        }
        List<Path> files = EventFile.files(folder);
        assertThat(files).hasSize(2);
        assertThat(Records.read(Files.readAllBytes(first))).as("version and two steps").hasSize(3);
        assertThat(Files.size(first)).isEqualTo(Records.read(whole).get(2).end());
        assertThat(Records.read(Files.readAllBytes(files.getLast()))).hasSize(2);
        EventFile.open(folder, 250, () -> CLOCK).close();
        assertThat(Records.read(Files.readAllBytes(files.getLast()))).as("version alone").hasSize(1);
    }

    @Test
    void histogramsCountEveryFiniteValue() {
        double[] want = {-3, 0, 0, 1e-13, 2.5, 2.5, 1e30};
        float[] values = {-3, 0, 0, 1e-13f, 2.5f, 2.5f, 1e30f, Float.NaN, Float.POSITIVE_INFINITY};
        byte[] bytes = new Histogram(values).message().toBytes();
        // min, max, num, sum, sum of squares: a tag and a double each.
        double[] head = new double[5];
        for (int i = 0; i < head.length; i++) {
            assertThat(bytes[9 * i]).isEqualTo((byte) ((i + 1) << 3 | 1));
            head[i] = number(bytes, 9 * i + 1);
        }
        assertThat(head[0]).isEqualTo(-3);
        assertThat(head[1]).isEqualTo(1e30f);
        assertThat(head[2]).isEqualTo(want.length);
        int at = 45;
        assertThat(bytes[at]).isEqualTo((byte) (6 << 3 | 2));
        int length = bytes[at + 1];
        assertThat(length).as("few buckets").isBetween(8, 127);
        int buckets = length / 8;
        double before = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < buckets; i++) {
            double limit = number(bytes, at + 2 + 8 * i);
            double count = number(bytes, at + 2 + length + 2 + 8 * i);
            double low = before;
            assertThat(count)
                    .as("values from %s to %s", low, limit)
                    .isEqualTo(Arrays.stream(want).filter(v -> v >= low && v < limit).count());
            assertThat(limit).isGreaterThan(before);
            before = limit;
        }
        assertThat(before).isEqualTo(Double.MAX_VALUE);
    }

    private static double number(byte[] bytes, int at) {
        long bits = 0;
        for (int i = 0; i < 8; i++) {
            bits |= (bytes[at + i] & 0xffL) << 8 * i;
        }
        return Double.longBitsToDouble(bits);
    }
}
