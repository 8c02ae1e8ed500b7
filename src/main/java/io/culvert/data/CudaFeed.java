package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.data.augment.CudaViews;
import io.culvert.data.augment.Normalization;
import io.culvert.data.augment.ViewRecipe;
import io.culvert.data.augment.ViewRecord;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaEvent;
import io.culvert.device.cuda.CudaStream;
import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Views made on the GPU. The loader's threads decode into pinned memory; a stream of its own copies a batch into one slot
 * of the GPU's memory while the stream that computes works on the batch in the other:
 *
 * <pre>
 * copies:   upload 0 | upload 1 |          upload 2 |          upload 3 |
 * computes:            augment 0, step 0 | augment 1, step 1 | augment 2, step 2
 * </pre>
 *
 * <p>Three waits hold it together: the augmentation of a batch waits for its upload, an upload waits for the augmentation
 * that reads the same slot, and the loader's threads get their pinned memory back when its upload is done.
 */
final class CudaFeed extends Feed {
    private static final int SLOTS = 2;
    /** Share that memory is larger than the largest batch so far, so that it seldom grows. */
    private static final int HEADROOM = 4;

    /** Where an uploaded batch lies on the device. */
    private final class Slot {
        final CudaEvent uploaded = cuda.newEvent();
        final CudaEvent read = cuda.newEvent();
        long address;
        long bytes;
        final CudaViews[] views = new CudaViews[targets.size()];
        PictureBatch batch;

        /** Queues the copy of a batch. */
        void upload(PictureBatch loaded) {
            batch = loaded;
            batch.fill();
            if (bytes < capacity) {
                grow();
            }
            copies.await(read);
            copies.upload(address, batch.memory(), batch.bytes());
            uploaded.record(copies);
        }

        /** Queues the kernels that make the views. */
        void augment() {
            cuda.stream().await(uploaded);
            for (CudaViews made : views) {
                made.run(batch.blurred());
            }
            read.record(cuda.stream());
        }

        private void grow() {
            cuda.stream().synchronize();
            free();
            address = cuda.allocate("pictures", capacity);
            bytes = capacity;
            // The zeros of a new block come by the computing stream, the pictures by the other.
            cuda.stream().synchronize();
            for (int i = 0; i < views.length; i++) {
                long records = address + PictureBatch.recordsBefore(crops, i, samples.length) * ViewRecord.BYTES;
                views[i] = new CudaViews(cuda, targets.get(i), records, address + recordBytes, normalization);
            }
        }

        void free() {
            if (address != 0) {
                cuda.free(address);
                address = 0;
            }
        }

        void close() {
            free();
            uploaded.close();
            read.close();
        }
    }

    private final CudaContext cuda;
    private final Arena arena = Arena.ofShared();
    private final List<Crops> crops;
    private final List<CudaViews.Target> targets;
    private final long recordBytes;
    private final long normalization;
    private final CudaStream copies;
    private final List<Slot> slots = new ArrayList<>();
    private final List<PictureBatch> batches = new ArrayList<>();
    private final ViewLoader<PictureBatch> loader;
    private final int[] samples;
    private long capacity;
    private int turn;
    private Slot staged;

    CudaFeed(Dataset dataset, LoaderConfig config, CudaContext cuda, List<Tensor> pixels,
            Supplier<? extends Decoder> decoders) {
        Normalization scale = requireOne(config);
        config.crops().forEach(same -> same.views().forEach(view -> ViewRecord.require(view, same.size())));
        this.cuda = cuda;
        samples = new int[config.batchSize()];
        crops = config.crops();
        targets = pixels.stream()
                .map(input -> new CudaViews.Target(
                        input.address(), input.shape().at(0), input.shape().at(1), input.shape().at(2), false))
                .toList();
        recordBytes = PictureBatch.recordBytes(config);
        copies = cuda.newStream();
        normalization = CudaViews.normalization(cuda, scale);
        for (int i = 0; i < SLOTS; i++) {
            slots.add(new Slot());
        }
        try {
            loader = new ViewLoader<>(dataset, config, arena, decoders, () -> newBatch(config),
                    () -> new PictureBatch.Writer(dataset, config));
        } catch (Throwable e) {
            giveBack();
            throw e;
        }
    }

    private static Normalization requireOne(LoaderConfig config) {
        List<Normalization> all =
                config.crops().stream().flatMap(same -> same.views().stream()).map(ViewRecipe::normalization).distinct().toList();
        if (all.size() > 1) {
            throw CulvertException.usage(
                    "the GPU's kernels normalise all views alike, not by %s: set data.augment_on=host", all);
        }
        return all.getFirst();
    }

    private PictureBatch newBatch(LoaderConfig config) {
        PictureBatch batch = new PictureBatch(config, cuda::pinned);
        batches.add(batch);
        return batch;
    }

    @Override
    public int next() {
        Slot slot = staged != null ? staged : stage(loader.next());
        if (slot == null) {
            return 0;
        }
        slot.augment();
        int count = slot.batch.count();
        System.arraycopy(slot.batch.sampleIndices(), 0, samples, 0, count);
        slot.uploaded.synchronize();
        recycle(slot.batch);
        // Its upload runs beside the step on the batch at hand, which the caller queues next.
        staged = stage(loader.poll());
        return count;
    }

    private Slot stage(PictureBatch batch) {
        if (batch == null) {
            return null;
        }
        if (batch.bytes() > capacity) {
            capacity = batch.bytes() + batch.bytes() / HEADROOM;
        }
        if (batch.memory().byteSize() < batch.bytes()) {
            batch.moveTo(capacity, cuda::pinned);
        }
        Slot slot = slots.get(turn);
        turn = (turn + 1) % SLOTS;
        slot.upload(batch);
        return slot;
    }

    private void recycle(PictureBatch batch) {
        if (batch.memory().byteSize() < capacity) {
            batch.moveTo(capacity, cuda::pinned);
        }
        loader.release(batch);
    }

    @Override
    public int[] samples() {
        return samples;
    }

    @Override
    public long waitNanos() {
        return loader.waitNanos();
    }

    @Override
    public int stepsPerEpoch() {
        return loader.stepsPerEpoch();
    }

    @Override
    public void close() {
        all(List.of(loader::close, this::giveBack));
    }

    private void giveBack() {
        List<Runnable> steps = new ArrayList<>(List.of(copies::synchronize, cuda.stream()::synchronize));
        slots.forEach(slot -> steps.add(slot::close));
        steps.addAll(List.of(() -> cuda.free(normalization), copies::close));
        batches.forEach(batch -> steps.add(batch::close));
        steps.add(arena::close);
        all(steps);
    }

    /** Takes every step, whatever fails before it on a device that broke. */
    private static void all(List<Runnable> steps) {
        RuntimeException failure = null;
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
