package io.culvert.train;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.cpu.HostMemory;
import io.culvert.device.cuda.CudaCeilings;
import io.culvert.device.cuda.Element;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.Tape;
import io.culvert.profile.Ceilings;
import io.culvert.profile.DeviceTimer;
import io.culvert.profile.MemoryFacts;
import io.culvert.profile.OpFacts;
import io.culvert.profile.Profiler;
import io.culvert.profile.StepClock;
import io.culvert.profile.Subject;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Tells the profiler, if one is open, what is trained and what the machine gives. */
final class Profiling {
    /** Rows and columns: 12 MB in three matrices, 2.1 GFLOP. */
    private static final int PRODUCT = 1024;
    /** Floats of each side of a copy, 128 MiB: more than caches hold. */
    private static final int COPIED = 1 << 25;
    private static final int COPY_GRAIN = 1 << 16;
    /** The best of so many: others may have used the cores meanwhile. */
    private static final int ROUNDS = 12;

    private Profiling() {}

    /** The clock of this training: one that does nothing unless a profiler waits for a training. */
    static StepClock attach(Run run, Trainer trainer) {
        Profiler profiler = Profiler.active();
        if (profiler == null || profiler.isTaken()) {
            return StepClock.OFF;
        }
        Device device = run.arena().device();
        boolean emulated = run.config().device().equals("emulator");
        Tape tape = trainer.tape();
        List<OpFacts> facts = new ArrayList<>();
        Map<Op, Integer> numbers = new IdentityHashMap<>();
        int[] forward = number(tape.ops(), numbers, facts);
        int[] backward = number(tape.backwardOps(), numbers, facts);
        Map<String, Long> purposes = new TreeMap<>();
        run.arena().buffers().forEach(buffer -> purposes.merge(buffer.purpose(), buffer.bytes(), Long::sum));
        List<MemoryFacts.Fixed> fixed = purposes.entrySet().stream()
                .map(part -> new MemoryFacts.Fixed(part.getKey(), part.getValue()))
                .toList();
        MemoryFacts memory = new MemoryFacts(fixed, tape.blocks(), tape.stepBytes(), forward.length + backward.length);
        Ceilings ceilings = ceilings(device, emulated);
        DeviceTimer timer = timer(device, emulated);
        StepClock clock = profiler.attach(
                new Subject(run.config().folder(), ceilings, facts, forward, backward, memory, timer));
        trainer.time(clock);
        return clock;
    }

    private static DeviceTimer timer(Device device, boolean emulated) {
        return switch (device) {
            case CpuDevice cpu -> null;
            case CudaDevice cuda when emulated -> new EmulatedTimer(cuda.context());
            case CudaDevice cuda -> cuda.context().timer();
        };
    }

    private static int[] number(List<Op> ops, Map<Op, Integer> numbers, List<OpFacts> facts) {
        return ops.stream()
                .mapToInt(op -> numbers.computeIfAbsent(op, key -> {
                    Cost cost = op.cost();
                    facts.add(new OpFacts(
                            op.getClass().getSimpleName(), op.name(), cost.forwardFlops(), cost.forwardBytes(),
                            cost.backwardFlops(), cost.backwardBytes()));
                    return facts.size() - 1;
                }))
                .toArray();
    }

    private static Ceilings ceilings(Device device, boolean emulated) {
        return switch (device) {
            case CpuDevice cpu -> new Ceilings(
                    device.describe(), flops(cpu), bytes(cpu), 0,
                    "a product of %1$dx%1$d, a copy of %2$d MiB by all threads".formatted(PRODUCT, COPIED * 4L >> 20));
            case CudaDevice cuda when emulated -> Ceilings.unmeasured(cuda.describe(), "on the emulator time means nothing");
            case CudaDevice cuda -> ceilings(cuda);
        };
    }

    private static Ceilings ceilings(CudaDevice cuda) {
        Element element = cuda.precision() == Precision.BF16 ? Element.BFLOAT16 : Element.FLOAT;
        return CudaCeilings.measure(cuda.context(), cuda.describe(), element, CudaCeilings.Sizes.USUAL);
    }

    /** Floating-point operations a second of a large product. */
    private static double flops(CpuDevice cpu) {
        long matrix = (long) PRODUCT * PRODUCT;
        MemorySegment memory = HostMemory.map(3 * matrix * Float.BYTES);
        try {
            for (long i = 0; i < 2 * matrix; i++) {
                memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1f / (1 + i % 7));
            }
            MemorySegment a = memory.asSlice(0, matrix * Float.BYTES);
            MemorySegment b = memory.asSlice(matrix * Float.BYTES, matrix * Float.BYTES);
            MemorySegment c = memory.asSlice(2 * matrix * Float.BYTES);
            double seconds = least(() -> cpu.oneDnn()
                    .sgemm('N', 'N', PRODUCT, PRODUCT, PRODUCT, 1, a, PRODUCT, b, PRODUCT, 0, c, PRODUCT));
            return 2.0 * matrix * PRODUCT / seconds;
        } finally {
            HostMemory.unmap(memory);
        }
    }

    /** Bytes a second that a copy by all threads reads and writes. */
    private static double bytes(CpuDevice cpu) {
        long bytes = (long) COPIED * Float.BYTES;
        MemorySegment memory = HostMemory.map(2 * bytes);
        try {
            double seconds = least(() -> cpu.workers().run(COPIED, COPY_GRAIN, (worker, from, to) ->
                    MemorySegment.copy(
                            memory, (long) from * Float.BYTES, memory, bytes + (long) from * Float.BYTES,
                            (long) (to - from) * Float.BYTES)));
            return 2.0 * bytes / seconds;
        } finally {
            HostMemory.unmap(memory);
        }
    }

    private static double least(Runnable work) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            work.run();
            least = Math.min(least, System.nanoTime() - start);
        }
        return least / 1e9;
    }
}
