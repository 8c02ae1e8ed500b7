package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.device.Group;
import io.culvert.device.RunArena;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import io.culvert.safetensors.StoredType;
import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The step that a run failed in, as a file: what a checkpoint holds, and the batch. Of several ranks rank 0 writes the whole
 * batch, laid out as one rank would have it, because N ranks compute what one does; all else they have in common.
 */
final class DivergedStep {
    private static final String BATCH = "batch/";

    private DivergedStep() {}

    /**
     * Writes the file; returns on every rank once it is there. All ranks must call it.
     *
     * @param metadata with the run's configuration and {@link Run.Plan}
     * @throws CulvertException (data) if it cannot be written; (device) on the other ranks then
     */
    static void keep(Path file, Run run, Trainer trainer, Map<String, String> metadata) {
        Group group = run.device().group();
        try (Arena arena = Arena.ofConfined()) {
            if (group.rank() > 0) {
                for (Tensor input : trainer.inputs()) {
                    group.hand(0, copy(input, arena));
                }
                group.take(0);
                return;
            }
            List<StoredTensor> batch = new ArrayList<>();
            for (Tensor input : trainer.inputs()) {
                batch.add(whole(input, trainer.images(), group, arena));
            }
            Checkpoint.saveDiverged(file, run.store(), trainer, batch, metadata);
            for (int rank = 1; rank < group.size(); rank++) {
                group.hand(rank, MemorySegment.NULL);
            }
        }
    }

    /** View after view, and in each rank after rank. */
    private static StoredTensor whole(Tensor input, int images, Group group, Arena arena) {
        int[] shape = input.shape().toArray();
        int views = shape[0] / images;
        long block = input.bytes() / views;
        MemorySegment all = arena.allocate(input.bytes() * group.size(), Long.BYTES);
        for (int rank = 0; rank < group.size(); rank++) {
            MemorySegment part = rank == 0 ? copy(input, arena) : group.take(rank);
            for (int view = 0; view < views; view++) {
                MemorySegment.copy(part, view * block, all, ((long) view * group.size() + rank) * block, block);
            }
        }
        shape[0] *= group.size();
        return new StoredTensor(BATCH + input.name(), StoredType.valueOf(input.dtype().name()), Checkpoint.longs(shape), all);
    }

    private static MemorySegment copy(Tensor input, Arena arena) {
        MemorySegment values = arena.allocate(input.bytes(), Long.BYTES);
        input.copyTo(values);
        return values;
    }

    /** Gives the inputs of a run of one rank what {@link #keep} kept, in memory of {@code arena}. */
    static void readBatch(SafetensorsFile saved, Trainer trainer, RunArena arena) {
        for (Tensor input : trainer.inputs()) {
            MemorySegment values = arena.hostMemory(input.bytes());
            StoredTensor stored = saved.tensor(BATCH + input.name());
            if (!stored.shape().equals(Checkpoint.longs(input.shape().toArray()))) {
                throw CulvertException.data("%s: %s is %s, the run needs %s", saved.path(), stored.name(), stored.shape(), input);
            }
            values.copyFrom(stored.data());
            // On the CPU the pixels have no place of their own: they are read where they are.
            if (input.isBound()) {
                input.copyFrom(values);
            } else {
                input.feed(values);
            }
        }
    }
}
