package io.culvert.emulator.ptx;

import java.util.Map;
import java.util.random.RandomGenerator;

/** A block in progress: its warps as coroutines, each running until it ends or waits at a barrier. */
final class ThreadBlock {
    final Launch launch;
    final LaunchContext context;
    final Warp[] warps;
    final SharedMemory shared;
    final BarrierState[] barriers = new BarrierState[16];
    int x;
    int y;
    int z;
    private final int[] order;

    ThreadBlock(LaunchContext context, Map<Variable, Long> sharedOffsets, int sharedBytes) {
        this.context = context;
        launch = context.launch;
        int threads = (int) launch.block().count();
        warps = new Warp[(threads + 31) / 32];
        shared = new SharedMemory(this, sharedBytes, sharedOffsets, context.findRaces);
        order = new int[warps.length];
        for (int i = 0; i < warps.length; i++) {
            warps[i] = new Warp(this, i, threads - 32 * i >= 32 ? -1 : (1 << threads - 32 * i) - 1);
        }
        for (int i = 0; i < barriers.length; i++) {
            barriers[i] = new BarrierState(warps.length);
        }
    }

    void run(long index, RandomGenerator random) {
        Dim3 grid = launch.grid();
        x = (int) (index % grid.x());
        y = (int) (index / grid.x() % grid.y());
        z = (int) (index / grid.x() / grid.y());
        shared.clear();
        for (BarrierState barrier : barriers) {
            barrier.clear();
        }
        for (Warp warp : warps) {
            warp.start(context.entry);
        }
        for (int running = warps.length; running > 0; ) {
            context.order.arrange(order, random);
            boolean progress = false;
            for (int i : order) {
                if (warps[i].canRun()) {
                    progress = true;
                    warps[i].run();
                    running -= warps[i].isDone() ? 1 : 0;
                }
            }
            if (!progress) {
                throw missedBarrier();
            }
        }
    }

    private KernelFault missedBarrier() {
        Warp waiting = null;
        for (Warp warp : warps) {
            waiting = waiting == null && !warp.isDone() ? warp : waiting;
        }
        BarrierState barrier = barriers[waiting.waitsAt];
        String others = "";
        for (Warp warp : warps) {
            if (others.isEmpty() && (warp.isDone() || warp.waitsAt != waiting.waitsAt)) {
                others = "; thread %s %s"
                        .formatted(
                                threadName(32 * warp.index),
                                warp.isDone() ? "has ended" : "waits at barrier " + warp.waitsAt);
            }
        }
        return waiting.fault(
                KernelFault.Kind.MISSED_BARRIER,
                Integer.numberOfTrailingZeros(waiting.live),
                "waits at barrier %d for ever: %d of %d threads arrived%s",
                waiting.waitsAt,
                barrier.arrived,
                barrier.expected,
                others);
    }

    /** Counts the lanes of a warp in; once all are there, lets the waiting warps go on. */
    void arrive(Warp warp, int id, int count, boolean waits, int source) {
        BarrierState barrier = barriers[id];
        int lanes = warp.live;
        int threads = (int) launch.block().count();
        int expected = count < 0 ? threads : count;
        if (expected > threads || expected % 32 != 0 && count >= 0 || expected == 0) {
            throw warp.fault(
                    KernelFault.Kind.MISSED_BARRIER,
                    Integer.numberOfTrailingZeros(lanes),
                    "barrier %d for %d threads in a block of %d",
                    id,
                    expected,
                    threads);
        }
        barrier.expected = expected;
        // With a count, whole warps count, as on the GPU.
        barrier.arrived += count < 0 ? Integer.bitCount(lanes) : 32;
        barrier.trueCount += Integer.bitCount(source & lanes);
        barrier.threadCount += Integer.bitCount(lanes);
        for (int i = 0; i < warps.length; i++) {
            barrier.joined[i] = Math.max(barrier.joined[i], warp.seen[i]);
        }
        barrier.joined[warp.index] = warp.time;
        warp.time++;
        warp.waitsAt = waits ? id : -1;
        if (barrier.arrived >= expected) {
            release(id, barrier);
        }
    }

    private void release(int id, BarrierState barrier) {
        for (Warp warp : warps) {
            if (warp.waitsAt == id) {
                for (int i = 0; i < warps.length; i++) {
                    warp.seen[i] = Math.max(warp.seen[i], barrier.joined[i]);
                }
                warp.waitsAt = -1;
                warp.finishBarrier(barrier);
            }
        }
        barrier.clear();
    }

    String name() {
        return "(%d,%d,%d)".formatted(x, y, z);
    }

    String threadName(int thread) {
        return launch.block().at(thread);
    }

    Instruction instruction(int id) {
        return launch.kernel().module().instruction(id);
    }

    /** {@code ", file:line"}, or "". */
    String source(Instruction instruction) {
        String source = launch.kernel().module().source(instruction.statement);
        return source.isEmpty() ? "" : ", " + source;
    }
}
