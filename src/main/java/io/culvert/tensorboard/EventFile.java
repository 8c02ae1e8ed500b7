package io.culvert.tensorboard;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * {@code events.out.tfevents.*}: what TensorBoard shows of a run. Fields are numbered as in TensorFlow's {@code event.proto}
 * and {@code summary.proto}. Each event is handed to the system as it is written.
 */
public final class EventFile implements AutoCloseable {
    private static final String PREFIX = "events.out.tfevents.";
    private static final String VERSION = "brain.Event:2";

    // Event
    private static final int WALL_TIME = 1;
    private static final int STEP = 2;
    private static final int FILE_VERSION = 3;
    private static final int SUMMARY = 5;
    // Summary and its Value
    private static final int VALUE = 1;
    private static final int TAG = 1;
    private static final int SIMPLE_VALUE = 2;
    private static final int IMAGE = 4;
    private static final int HISTOGRAM = 5;

    private final Path file;
    private final FileChannel channel;
    private final LongSupplier clock;

    private EventFile(Path file, FileChannel channel, LongSupplier clock) {
        this.file = file;
        this.channel = channel;
        this.clock = clock;
    }

    /** Whether a file's name is that of an event file. */
    public static boolean isOne(Path file) {
        return file.getFileName().toString().startsWith(PREFIX);
    }

    /**
     * Begins a new file in a folder. Of those that are there, the events after {@code step} are cut off: the process that wrote
     * them was killed before its next checkpoint, and the resumed run writes them again.
     *
     * @throws CulvertException (data) if the folder cannot be written
     */
    public static EventFile open(Path folder, long step) {
        return open(folder, step, System::currentTimeMillis);
    }

    /** @param clock milliseconds since 1970 */
    static EventFile open(Path folder, long step, LongSupplier clock) {
        try {
            int number = 0;
            for (Path earlier : files(folder)) {
                cut(earlier, step);
                number++;
            }
            // TensorBoard reads the files of a folder in the order of their names.
            Path file = folder.resolve(PREFIX + "%010d.culvert.%d".formatted(clock.getAsLong() / 1000, number));
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            EventFile events = new EventFile(file, channel, clock);
            events.append(new Message().number(WALL_TIME, events.seconds()).text(FILE_VERSION, VERSION));
            return events;
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
    }

    /** The event files of a folder, oldest first. */
    static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(EventFile::isOne).sorted().toList();
        }
    }

    private static void cut(Path file, long step) throws IOException {
        long keep = 0;
        for (Records.Stored record : Records.read(Files.readAllBytes(file))) {
            if (stepOf(record.data()) > step) {
                break;
            }
            keep = record.end();
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(keep);
        }
    }

    /** The step of an event of ours: the field behind the wall time; the first event, of the version, has none. */
    private static long stepOf(byte[] event) {
        int at = 1 + Double.BYTES;
        if (event.length <= at || event[at] != STEP << 3) {
            return 0;
        }
        long step = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = event[++at];
            step |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return step;
            }
        }
    }

    /** A point of the curve {@code tag}. */
    public void scalar(String tag, long step, double value) {
        event(step, new Message().text(TAG, tag).single(SIMPLE_VALUE, (float) value));
    }

    /** A picture, of a size that the PNG itself gives. */
    public void image(String tag, long step, int height, int width, byte[] png) {
        int rgb = 3;
        Message image = new Message().integer(1, height).integer(2, width).integer(3, rgb).bytes(4, png);
        event(step, new Message().text(TAG, tag).message(IMAGE, image));
    }

    /** How values are distributed; those that are not finite are left out. */
    public void histogram(String tag, long step, float... values) {
        event(step, new Message().text(TAG, tag).message(HISTOGRAM, new Histogram(values).message()));
    }

    private void event(long step, Message value) {
        append(new Message()
                .number(WALL_TIME, seconds())
                .integer(STEP, step)
                .message(SUMMARY, new Message().message(VALUE, value)));
    }

    private double seconds() {
        return clock.getAsLong() / 1e3;
    }

    private void append(Message event) {
        ByteBuffer frame = ByteBuffer.wrap(Records.frame(event.toBytes()));
        try {
            while (frame.hasRemaining()) {
                channel.write(frame);
            }
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }
}
