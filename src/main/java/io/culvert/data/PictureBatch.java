package io.culvert.data;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.augment.DrawnView;
import io.culvert.data.augment.ViewRecord;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;

/**
 * A batch of decoded images, and of what is to be made of them: first the records of all views, size by size, view 0 of
 * every image first, then the images' bytes in the order in which the threads were done with them. Both lie in one block of memory, to
 * be copied to the device at once. An image that finds no room there is kept beside it until {@link #moveTo}: the block
 * grows to the largest batch seen.
 */
final class PictureBatch extends Batch {
    /** Where an image may begin. */
    private static final long ALIGNMENT = 16;

    private final List<Crops> crops;
    private final long recordBytes;
    private final MemorySegment[] beside;
    private final long[] besideAt;
    private final AtomicLong pictureBytes = new AtomicLong();
    private volatile boolean blurred;
    private int besideCount;
    private Arena besideArena;
    private Arena arena;
    private MemorySegment memory;

    /** @param allocate gives memory of so many bytes that lives as long as the arena */
    PictureBatch(LoaderConfig config, BiFunction<Long, Arena, MemorySegment> allocate) {
        super(config.batchSize());
        crops = config.crops();
        recordBytes = recordBytes(config);
        beside = new MemorySegment[config.batchSize()];
        besideAt = new long[config.batchSize()];
        arena = Arena.ofShared();
        memory = allocate.apply(recordBytes, arena);
    }

    /** Bytes before the first image. */
    static long recordBytes(LoaderConfig config) {
        long bytes = recordsBefore(config.crops(), config.crops().size(), config.batchSize()) * ViewRecord.BYTES;
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** Where the records of the crops number {@code index} begin, in records; a batch with fewer images leaves gaps. */
    static long recordsBefore(List<Crops> crops, int index, int batchSize) {
        long records = 0;
        for (int i = 0; i < index; i++) {
            records += (long) crops.get(i).views().size() * batchSize;
        }
        return records;
    }

    @Override
    void opened() {
        pictureBytes.set(0);
        blurred = false;
    }

    /** Bytes of records and images; the first of them are the {@link #memory}. */
    long bytes() {
        return recordBytes + pictureBytes.get();
    }

    /** Records and images, if {@link #bytes} fit. */
    MemorySegment memory() {
        return memory;
    }

    /** Whether a view has a blur. */
    boolean blurred() {
        return blurred;
    }

    /** Keeps a copy of an image and returns where it begins, counted from the first one. */
    private long add(MemorySegment image) {
        long bytes = image.byteSize();
        long offset = pictureBytes.getAndAdd(Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT);
        if (recordBytes + offset + bytes <= memory.byteSize()) {
            MemorySegment.copy(image, 0, memory, recordBytes + offset, bytes);
        } else {
            addBeside(image, offset);
        }
        return offset;
    }

    private synchronized void addBeside(MemorySegment image, long offset) {
        if (besideArena == null) {
            besideArena = Arena.ofShared();
        }
        beside[besideCount] = besideArena.allocate(image.byteSize());
        beside[besideCount].copyFrom(image);
        besideAt[besideCount++] = offset;
    }

    /** Moves to a new block that all of it fits into; only while no thread of the loader fills the batch. */
    synchronized void moveTo(long capacity, BiFunction<Long, Arena, MemorySegment> allocate) {
        Arena newArena = Arena.ofShared();
        MemorySegment larger = allocate.apply(capacity, newArena);
        MemorySegment.copy(memory, 0, larger, 0, Math.min(memory.byteSize(), capacity));
        for (int i = 0; i < besideCount; i++) {
            MemorySegment.copy(beside[i], 0, larger, recordBytes + besideAt[i], beside[i].byteSize());
        }
        Arena old = arena;
        arena = newArena;
        memory = larger;
        forgetBeside();
        old.close();
    }

    private void forgetBeside() {
        if (besideArena != null) {
            besideArena.close();
        }
        besideArena = null;
        besideCount = 0;
        Arrays.fill(beside, null);
    }

    /** Lets the views that a batch with fewer images lacks repeat its first one, so that every record is a good one. */
    void fill() {
        for (int i = 0; i < crops.size(); i++) {
            long first = recordsBefore(crops, i, sampleIndices().length);
            long end = recordsBefore(crops, i + 1, sampleIndices().length);
            for (long place = first + (long) crops.get(i).views().size() * count(); place < end; place++) {
                MemorySegment.copy(memory, first * ViewRecord.BYTES, memory, place * ViewRecord.BYTES, ViewRecord.BYTES);
            }
        }
    }

    /** Gives all memory back. */
    synchronized void close() {
        forgetBeside();
        arena.close();
    }

    /** Draws views and puts them into batches with their images. */
    static final class Writer implements BatchWriter<PictureBatch> {
        private final Dataset dataset;
        private final LoaderConfig config;
        private final DrawnView drawn = new DrawnView();
        private final CounterRng rng = new CounterRng();

        Writer(Dataset dataset, LoaderConfig config) {
            this.dataset = dataset;
            this.config = config;
        }

        @Override
        public void write(PictureBatch batch, int position, MemorySegment image, int height, int width) {
            int sample = batch.sampleIndices()[position];
            long offset = batch.add(image);
            int number = 0;
            for (int i = 0; i < batch.crops.size(); i++) {
                Crops crops = batch.crops.get(i);
                long first = recordsBefore(batch.crops, i, config.batchSize());
                for (int view = 0; view < crops.views().size(); view++) {
                    rng.key(config.seed(), batch.epoch(), sample, number++);
                    drawn.draw(crops.views().get(view), crops.size(), height, width, rng);
                    requireFits(crops.size(), sample, height, width);
                    if (drawn.blurred()) {
                        batch.blurred = true;
                    }
                    long place = first + (long) view * batch.count() + position;
                    ViewRecord.write(batch.memory, place * ViewRecord.BYTES, drawn, offset, height, width);
                }
            }
        }

        private void requireFits(int size, int sample, int height, int width) {
            if (!ViewRecord.fits(drawn, size, size)) {
                throw CulvertException.data("image %s: the GPU does not shrink its %d x %d pixels to %d at once: set "
                        + "data.augment_on=host", dataset.path(sample), width, height, size);
            }
        }
    }
}
