package io.culvert.method;

import io.culvert.CounterRng;
import io.culvert.device.Group;
import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.tensor.DType;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Which patches of each image a masked autoencoder removes in a step: drawn on the host, copied to the step's inputs. */
final class PatchMasks {
    /** Keeps these draws apart from others of the same seed. */
    private static final long PURPOSE = 0x6d61736bL;

    private final Mae.MaskOrder order;
    private final int kept;
    private final Group group;
    private final int[] places;
    private final Tensor visible;
    private final Tensor slots;
    private final Tensor removed;
    private final MemorySegment visibleHost;
    private final MemorySegment slotsHost;
    private final MemorySegment removedHost;

    /**
     * Declares the step's inputs and takes memory for them on the host.
     *
     * @param images of a batch
     * @param patches of an image
     * @param kept patches that stay
     */
    PatchMasks(Tape tape, RunArena arena, Mae.MaskOrder order, int images, int patches, int kept) {
        this.order = order;
        this.kept = kept;
        group = arena.device().group();
        places = new int[patches];
        visible = tape.input(new Tensor("visible", Shape.of(images, kept), DType.I32));
        slots = tape.input(new Tensor("slots", Shape.of(images, patches), DType.I32));
        removed = tape.input(Tensor.f32("removed", images, patches));
        visibleHost = arena.hostMemory(visible.bytes());
        slotsHost = arena.hostMemory(slots.bytes());
        removedHost = arena.hostMemory(removed.bytes());
    }

    /** Each order as likely as any other, by the run's seed, the step and the image's place in the batch. */
    static Mae.MaskOrder random(long seed) {
        CounterRng random = new CounterRng();
        return (step, image, places) -> random.key(seed, PURPOSE, step, image).shuffle(places, places.length);
    }

    /** The places of the patches that stay, ascending: {@code [N, K]}. */
    Tensor visible() {
        return visible;
    }

    /** Which of the K a place is, -1 where its patch was removed: {@code [N, L]}. */
    Tensor slots() {
        return slots;
    }

    /** 1 where a patch was removed, else 0: {@code [N, L]} floats. */
    Tensor removed() {
        return removed;
    }

    /** Where this rank's part of a pass begins in the step's batch. */
    private int firstOf(int pass) {
        return (pass * group.size() + group.rank()) * visible.shape().at(0);
    }

    /** Sets the inputs for a pass of a step. */
    void draw(int step, int pass) {
        int images = visible.shape().at(0);
        for (int image = 0; image < images; image++) {
            for (int i = 0; i < places.length; i++) {
                places[i] = i;
            }
            order.draw(step, firstOf(pass) + image, places);
            Arrays.sort(places, 0, kept);
            long first = (long) image * places.length;
            for (int i = 0; i < places.length; i++) {
                boolean stays = i < kept;
                slotsHost.setAtIndex(ValueLayout.JAVA_INT, first + places[i], stays ? i : -1);
                removedHost.setAtIndex(ValueLayout.JAVA_FLOAT, first + places[i], stays ? 0 : 1);
                if (stays) {
                    visibleHost.setAtIndex(ValueLayout.JAVA_INT, (long) image * kept + i, places[i]);
                }
            }
        }
        visible.copyFrom(visibleHost);
        slots.copyFrom(slotsHost);
        removed.copyFrom(removedHost);
    }
}
