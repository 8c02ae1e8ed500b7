package io.culvert.method;

import io.culvert.CounterRng;
import io.culvert.device.Group;
import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.ops.masking.Places;
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
    private final Side visible;
    private final Side removed;
    private final Tensor ones;
    private final MemorySegment onesHost;

    /** The patches that stay, or the others. */
    private static final class Side {
        final Places places;
        private final int count;
        private final int all;
        private final MemorySegment chosenHost;
        private final MemorySegment slotsHost;

        Side(Tape tape, RunArena arena, String name, int images, int count, int all) {
            this.count = count;
            this.all = all;
            Tensor chosen = tape.input(new Tensor(name, Shape.of(images, count), DType.I32));
            Tensor slots = tape.input(new Tensor(name + ".slots", Shape.of(images, all), DType.I32));
            places = new Places(chosen, slots);
            chosenHost = arena.hostMemory(chosen.bytes());
            slotsHost = arena.hostMemory(slots.bytes());
        }

        /** Of an image: so many of an order, ascending, from {@code first} on. */
        void set(int image, int[] order, int first) {
            Arrays.sort(order, first, first + count);
            long slots = (long) image * all;
            for (int i = 0; i < all; i++) {
                boolean chosen = i >= first && i < first + count;
                slotsHost.setAtIndex(ValueLayout.JAVA_INT, slots + order[i], chosen ? i - first : -1);
                if (chosen) {
                    chosenHost.setAtIndex(ValueLayout.JAVA_INT, (long) image * count + i - first, order[i]);
                }
            }
        }

        void copy() {
            places.chosen().copyFrom(chosenHost);
            places.slots().copyFrom(slotsHost);
        }
    }

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
        visible = new Side(tape, arena, "visible", images, kept, patches);
        removed = new Side(tape, arena, "removed", images, patches - kept, patches);
        ones = tape.input(Tensor.f32("removed.ones", images, patches - kept));
        onesHost = arena.hostMemory(ones.bytes());
        for (long i = 0; i < ones.shape().count(); i++) {
            onesHost.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        }
    }

    /** Each order as likely as any other, by the run's seed, the step and the image's place in the batch. */
    static Mae.MaskOrder random(long seed) {
        CounterRng random = new CounterRng();
        return (step, image, places) -> random.key(seed, PURPOSE, step, image).shuffle(places, places.length);
    }

    /** The patches that stay, ascending. */
    Places visible() {
        return visible.places;
    }

    /** The others, ascending. */
    Places removed() {
        return removed.places;
    }

    /** How much each of the others counts: 1. */
    Tensor ones() {
        return ones;
    }

    Tensor[] inputs() {
        return new Tensor[] {
            visible.places.chosen(), visible.places.slots(), removed.places.chosen(), removed.places.slots(), ones
        };
    }

    /** Where this rank's part of a pass begins in the step's batch. */
    private int firstOf(int pass) {
        return (pass * group.size() + group.rank()) * ones.shape().at(0);
    }

    /** Sets the inputs for a pass of a step. */
    void draw(int step, int pass) {
        int images = ones.shape().at(0);
        for (int image = 0; image < images; image++) {
            for (int i = 0; i < places.length; i++) {
                places[i] = i;
            }
            order.draw(step, firstOf(pass) + image, places);
            visible.set(image, places, 0);
            removed.set(image, places, kept);
        }
        visible.copy();
        removed.copy();
        ones.copyFrom(onesHost);
    }
}
