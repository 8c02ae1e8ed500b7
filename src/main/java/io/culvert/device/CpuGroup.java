package io.culvert.device;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.bound;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.SharedSlots;
import io.culvert.ranks.Launch;
import io.culvert.ranks.Rendezvous;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import jdk.incubator.vector.FloatVector;

/** Processes of one machine, by memory that they share. Calls return when they are done. */
public final class CpuGroup extends Group {
    /** One process and no other. */
    static final CpuGroup ALONE = new CpuGroup(null, null);

    private final SharedSlots slots;

    private CpuGroup(Rendezvous meeting, SharedSlots slots) {
        super(meeting);
        this.slots = slots;
    }

    /**
     * Waits for the others.
     *
     * @param same what all must agree in, line by line
     */
    static CpuGroup meet(Launch launch, String same) {
        if (launch.size() == 1) {
            return ALONE;
        }
        Rendezvous meeting = Rendezvous.meet(
                launch, same, () -> SharedSlots.create(launch.size()).toString().getBytes(StandardCharsets.UTF_8));
        try {
            SharedSlots slots = new SharedSlots(
                    Path.of(new String(meeting.ticket(), StandardCharsets.UTF_8)), launch.rank(), launch.size(),
                    Rendezvous.timeout(), meeting::failure);
            slots.exchange();
            if (launch.rank() == 0) {
                slots.unlink();
            }
            return new CpuGroup(meeting, slots);
        } catch (RuntimeException | Error e) {
            meeting.abandon(e.getMessage());
            meeting.close();
            throw e;
        }
    }

    @Override
    public void startAverage(Buffer buffer, long offset, long bytes) {
        average(buffer.memory(), offset, bytes);
    }

    @Override
    public void finish() {
        // Nothing is under way.
    }

    /** Puts the mean over all ranks in the place of the floats of a part of {@code memory}. */
    public void average(MemorySegment memory, long offset, long bytes) {
        for (long done = 0; done < bytes; done += SharedSlots.BYTES) {
            long part = Math.min(SharedSlots.BYTES, bytes - done);
            MemorySegment.copy(memory, offset + done, slots.mine(), 0, part);
            slots.exchange();
            mean(memory, (offset + done) / Float.BYTES, (int) (part / Float.BYTES));
        }
    }

    private void mean(MemorySegment to, long first, int count) {
        float share = 1f / size();
        int whole = bound(count);
        for (int i = 0; i < whole; i += LANES) {
            FloatVector sum = FloatVector.zero(F);
            for (int rank = 0; rank < size(); rank++) {
                sum = sum.add(FloatVector.fromMemorySegment(F, slots.of(rank), i * BYTES, NATIVE));
            }
            sum.mul(share).intoMemorySegment(to, (first + i) * BYTES, NATIVE);
        }
        for (int i = whole; i < count; i++) {
            float sum = 0;
            for (int rank = 0; rank < size(); rank++) {
                sum += get(slots.of(rank), i);
            }
            set(to, first + i, sum * share);
        }
    }

    /** Shows the others {@code count} numbers, at most 131 072, and sees theirs by {@link #shared}. */
    public void share(double[] values, int count) {
        MemorySegment.copy(values, 0, slots.mine(), ValueLayout.JAVA_DOUBLE, 0, count);
        slots.exchange();
    }

    /** A number that {@code rank} showed in the last {@link #share}. */
    public double shared(int rank, int index) {
        return slots.of(rank).get(ValueLayout.JAVA_DOUBLE, (long) index * Double.BYTES);
    }

    /** The mean over all ranks of a number that each showed in the last {@link #share}. */
    public double meanShared(int index) {
        double sum = 0;
        for (int rank = 0; rank < size(); rank++) {
            sum += shared(rank, index);
        }
        return sum / size();
    }

    /** Puts what all ranks have in {@code from} one after another into {@code to}. */
    public void gather(MemorySegment from, MemorySegment to) {
        long bytes = from.byteSize();
        for (long done = 0; done < bytes; done += SharedSlots.BYTES) {
            long part = Math.min(SharedSlots.BYTES, bytes - done);
            MemorySegment.copy(from, done, slots.mine(), 0, part);
            slots.exchange();
            for (int rank = 0; rank < size(); rank++) {
                MemorySegment.copy(slots.of(rank), 0, to, rank * bytes + done, part);
            }
        }
    }

    @Override
    public void close() {
        super.close();
        if (slots != null) {
            slots.close();
        }
    }
}
