package io.culvert.emulator.ptx;

import java.util.Arrays;

/** 32 threads that execute together. The loop over instructions is here, and so is control flow. */
final class Warp {
    private static final int MAX_CALL_DEPTH = 1000;

    final ThreadBlock block;
    final int index;
    final LocalMemory local = new LocalMemory();
    final AsyncCopies copies;
    final Splits splits = new Splits();

    /** Addresses of the lanes for the instruction in progress. */
    final long[] addresses = new long[32];

    /** Scratch for values of lanes. */
    final long[] values = new long[32];

    /** Threads that exist and have not ended. */
    int live;

    /** Counts shared accesses, splits and barriers: the clock of {@link SharedRaces}. */
    int time;

    /** For each warp, up to which time its accesses are known to come before this warp's next one. */
    final int[] seen;

    /** The barrier that this warp waits at, or -1. */
    int waitsAt = -1;

    /** Instructions issued in this block. */
    long issued;

    /** Instructions after which a warp that only waits for memory to change lets others run. */
    private static final int SLICE = 20_000;

    /** Whether an atomic or a volatile load ran, and whether memory other than the thread's own changed. */
    boolean polled;

    boolean stored;

    /** For each lane, up to which time the accesses of this warp's others are known to come before: by atomics. */
    final int[] acquired = new int[32];

    private int waits;
    private int stuck;
    private long rotated;
    private final int threads;
    private final boolean takenFirst;
    private Frame frame;
    private int callDepth;

    Warp(ThreadBlock block, int index, int threads) {
        this.block = block;
        this.index = index;
        this.threads = threads;
        takenFirst = block.context.order.takenFirst();
        seen = new int[block.warps.length];
        copies = new AsyncCopies(this);
    }

    void start(LinkedCode entry) {
        live = threads;
        time = 1;
        issued = 0;
        callDepth = 0;
        waitsAt = -1;
        Arrays.fill(seen, 0);
        Arrays.fill(acquired, 0);
        polled = false;
        stored = false;
        stuck = 0;
        rotated = 0;
        splits.clear();
        copies.clear();
        frame = enter(new Frame(entry, this, null, threads));
    }

    private Frame enter(Frame f) {
        local.ensure(f.end());
        SpecialRegisters.fill(f);
        return f;
    }

    boolean canRun() {
        return frame != null && waitsAt < 0;
    }

    boolean isDone() {
        return frame == null;
    }

    Frame frame() {
        return frame;
    }

    /** Executes until the warp ends, waits at a barrier, or waits in a loop for what other threads do. */
    void run() {
        long budget = block.context.instructionBudget;
        long stop = Math.min(budget, issued + SLICE);
        while (frame != null && waitsAt < 0) {
            Frame f = frame;
            Instruction[] instructions = f.linked.code.instructions;
            long[] issuedAt = f.profile.issued;
            long[] lanesAt = f.profile.lanes;
            while (true) {
                int pc = f.pc;
                if (pc == f.meet) {
                    if (!f.pop()) {
                        leave(f);
                        break;
                    }
                    continue;
                }
                Instruction instruction = instructions[pc];
                int mask = f.mask;
                int guard = instruction.guard;
                if (guard >= 0) {
                    mask &= instruction.guardNegated ? ~f.p[guard] : f.p[guard];
                }
                issuedAt[pc]++;
                lanesAt[pc] += Integer.bitCount(mask);
                if (++issued > stop) {
                    if (issued <= budget) {
                        stop = Math.min(budget, issued + SLICE);
                        if (isWaiting()) {
                            f.yield(waits++);
                            issuedAt[pc]--;
                            lanesAt[pc] -= Integer.bitCount(mask);
                            return;
                        }
                    }
                }
                if (issued > budget) {
                    throw fault(
                            KernelFault.Kind.INSTRUCTION_BUDGET,
                            Integer.numberOfTrailingZeros(f.mask),
                            "the warp executed %d instructions: an endless loop, or raise the budget",
                            budget);
                }
                if (instruction.control == Instruction.Control.NONE) {
                    if (mask != 0) {
                        instruction.action.run(f, mask);
                    }
                    f.pc = pc + 1;
                } else if (control(f, instruction, mask)) {
                    break;
                }
            }
        }
    }

    /** True if the warp goes on in another frame, or waits. */
    private boolean control(Frame f, Instruction instruction, int mask) {
        switch (instruction.control) {
            case BRANCH -> branch(f, instruction, instruction.targets[0], mask);
            case BRANCH_TABLE -> branchTable(f, instruction, mask);
            case BARRIER -> {
                return barrier(f, instruction, mask);
            }
            case CALL -> {
                return call(f, instruction, mask);
            }
            case WARP_SYNC -> {
                if (mask != 0) {
                    if (goesOnElsewhere(f, mask, absent(f, instruction.members, mask))) {
                        return false;
                    }
                    instruction.action.run(f, mask);
                }
                f.pc++;
            }
            case RETURN, EXIT -> {
                boolean exits = instruction.control == Instruction.Control.EXIT || f.caller == null;
                live &= exits ? ~mask : -1;
                f.pc++;
                f.remove(mask);
                if (f.mask == 0 && !f.pop()) {
                    leave(f);
                    return true;
                }
            }
            default -> throw new IllegalStateException(instruction.control.toString());
        }
        return false;
    }

    /** Whether the last slice only looked at memory that others write, and wrote none. */
    private boolean isWaiting() {
        boolean waiting = polled && !stored;
        polled = false;
        stored = false;
        return waiting;
    }

    /** Lanes that the member masks name, that have not ended, and that are not in {@code mask}. */
    private int absent(Frame f, int slot, int mask) {
        int named = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            named |= f.r[slot + Integer.numberOfTrailingZeros(left)];
        }
        return named & live & ~mask;
    }

    /**
     * If lanes are absent that have come, or may come, to the instruction on another side of a branch, joins them or
     * lets them run. False if all are there, or if no more will come, which is the instruction's fault to find.
     */
    private boolean goesOnElsewhere(Frame f, int mask, int absent) {
        if (absent == 0) {
            return false;
        }
        boolean merged = f.merge();
        if (!merged) {
            stuck = issued - rotated <= 1 ? stuck + 1 : 0;
            rotated = issued;
            if (stuck >= f.siblings()) {
                stuck = 0;
                return false;
            }
        }
        f.profile.issued[f.pc]--;
        f.profile.lanes[f.pc] -= Integer.bitCount(mask);
        if (!merged) {
            f.rotate();
        }
        return true;
    }

    private void branch(Frame f, Instruction instruction, int target, int taken) {
        int others = f.mask & ~taken;
        if (others == 0) {
            f.pc = target;
        } else if (taken == 0) {
            f.pc++;
        } else {
            splits.add(time++, taken, others);
            f.split(instruction.reconverge, target, taken, f.pc + 1, others, takenFirst);
        }
    }

    private void branchTable(Frame f, Instruction instruction, int mask) {
        int[] choice = f.r;
        int slot = instruction.index;
        int first = choice[slot + Integer.numberOfTrailingZeros(mask)];
        int same = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            int index = choice[slot + lane];
            if (index < 0 || index >= instruction.targets.length) {
                throw fault(
                        KernelFault.Kind.OUT_OF_BOUNDS,
                        lane,
                        "branch index %d with %d targets",
                        index,
                        instruction.targets.length);
            }
            same |= index == first ? 1 << lane : 0;
        }
        int target = instruction.targets[first];
        if (same == f.mask) {
            f.pc = target;
        } else {
            // The others come back to this instruction and split again.
            splits.add(time++, same, f.mask & ~same);
            f.split(instruction.reconverge, target, same, f.pc, f.mask & ~same, takenFirst);
        }
    }

    private boolean barrier(Frame f, Instruction instruction, int mask) {
        Instruction.Barrier barrier = instruction.barrier;
        if (mask == 0) {
            f.pc++;
            return false;
        }
        if (goesOnElsewhere(f, mask, live & ~mask)) {
            return false;
        }
        int lane = Integer.numberOfTrailingZeros(mask);
        if (mask != live) {
            int missing = live & ~mask;
            throw fault(
                    KernelFault.Kind.DIVERGED_BARRIER,
                    lane,
                    "%d lanes of the warp reach the barrier, %d (thread %s for one) do not",
                    Integer.bitCount(mask),
                    Integer.bitCount(missing),
                    block.threadName(32 * index + Integer.numberOfTrailingZeros(missing)));
        }
        int source = barrier.reduction() == Instruction.Reduction.NONE ? 0 : f.p[barrier.source()];
        source = barrier.negated() ? ~source : source;
        int id = f.r[barrier.id() + lane];
        if (id < 0 || id > 15) {
            throw fault(KernelFault.Kind.MISSED_BARRIER, lane, "barrier %d: there are 16", id);
        }
        int count = barrier.count() < 0 ? -1 : f.r[barrier.count() + lane];
        block.arrive(this, id, count, !barrier.arriveOnly(), source);
        if (waitsAt < 0) {
            // Released at once; finishBarrier has moved on unless this warp only arrives.
            f.pc += barrier.arriveOnly() ? 1 : 0;
            return false;
        }
        return true;
    }

    /** Called when the barrier that this warp waits at is complete. */
    void finishBarrier(BarrierState state) {
        Frame f = frame;
        Instruction.Barrier barrier = f.current().barrier;
        boolean all = state.trueCount == state.threadCount;
        boolean holds = barrier.reduction() == Instruction.Reduction.AND ? all : state.trueCount > 0;
        switch (barrier.reduction()) {
            case POPC -> Arrays.fill(f.r, barrier.result(), barrier.result() + 32, state.trueCount);
            case AND, OR ->
                f.p[barrier.result()] = holds ? f.p[barrier.result()] | live : f.p[barrier.result()] & ~live;
            default -> {}
        }
        f.pc++;
    }

    private boolean call(Frame f, Instruction instruction, int mask) {
        if (mask == 0) {
            f.pc++;
            return false;
        }
        if (++callDepth > MAX_CALL_DEPTH) {
            int lane = Integer.numberOfTrailingZeros(mask);
            throw fault(KernelFault.Kind.CALL_DEPTH, lane, "more than %d calls deep", MAX_CALL_DEPTH);
        }
        checkSupported(instruction.call.callee(), Integer.numberOfTrailingZeros(mask));
        LinkedCode callee = instruction.call.callee() == null
                ? pointedTo(f, instruction, mask)
                : block.context.linked(instruction.call.callee());
        if (callee == null) {
            callDepth--;
            return false;
        }
        Frame inner = enter(new Frame(callee, this, f, mask));
        int[] from = instruction.call.argumentOffsets();
        for (int i = 0; i < from.length; i++) {
            Variable param = callee.code.params.get(i);
            copy(f.localBase + from[i], inner.localBase + offset(callee, param), param.bytes(), mask);
        }
        frame = inner;
        return true;
    }

    private void checkSupported(String function, int lane) {
        PtxModule module = block.launch.kernel().module();
        if (function != null && module.code(function) == null) {
            throw fault(KernelFault.Kind.UNSUPPORTED, lane, "call of '%s': %s", function, module.refusal(function));
        }
    }

    /** The function that all lanes of the path call, or null if it was split because they call several. */
    private LinkedCode pointedTo(Frame f, Instruction instruction, int mask) {
        int lane = Integer.numberOfTrailingZeros(mask);
        long pointer = f.d[instruction.index + lane];
        int same = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            int other = Integer.numberOfTrailingZeros(left);
            same |= f.d[instruction.index + other] == pointer ? 1 << other : 0;
        }
        if (same != mask) {
            // The others come back to this instruction.
            splits.add(time++, same, f.mask & ~same);
            f.split(f.pc + 1, f.pc, same, f.pc, f.mask & ~same, takenFirst);
            return null;
        }
        PtxModule module = block.launch.kernel().module();
        String name = module.functionAt(pointer);
        checkSupported(name, lane);
        Code code = name == null ? null : module.code(name);
        Instruction.Call call = instruction.call;
        boolean fits = code != null
                && !code.entry
                && code.params.size() == call.argumentOffsets().length
                && code.results.size() == call.resultOffsets().length;
        if (!fits) {
            throw fault(
                    KernelFault.Kind.OUT_OF_BOUNDS,
                    lane,
                    "call of 0x%x, which is no function with %d arguments and %d results that can be run",
                    pointer,
                    call.argumentOffsets().length,
                    call.resultOffsets().length);
        }
        return block.context.linked(code.name);
    }

    private static int offset(LinkedCode code, Variable variable) {
        return code.code.frameVariables.get(variable.name()).offset();
    }

    private void copy(long from, long to, long bytes, int mask) {
        for (int left = mask; left != 0; left &= left - 1) {
            long start = Integer.numberOfTrailingZeros(left) * local.stride;
            local.region.data.asSlice(start + to, bytes).copyFrom(local.region.data.asSlice(start + from, bytes));
        }
    }

    /** Returns to the caller once no lane is left in the frame. */
    private void leave(Frame f) {
        Frame caller = f.caller;
        frame = caller;
        if (caller == null) {
            return;
        }
        callDepth--;
        Instruction.Call call = caller.current().call;
        int[] to = call.resultOffsets();
        for (int i = 0; i < to.length; i++) {
            Variable result = f.linked.code.results.get(i);
            copy(f.localBase + offset(f.linked, result), caller.localBase + to[i], result.bytes(), f.entered & live);
        }
        caller.pc++;
        caller.remove(~live);
        if (caller.mask == 0 && !caller.pop()) {
            leave(caller);
        }
    }

    /** A fault of a lane at the current instruction. */
    KernelFault fault(KernelFault.Kind kind, int lane, String format, Object... args) {
        Statement statement = frame.current().statement;
        PtxModule module = block.launch.kernel().module();
        KernelFault.Where where = new KernelFault.Where(
                block.launch.kernel().name(),
                block.name(),
                block.threadName(32 * index + lane),
                statement.line(),
                module.source(statement));
        return new KernelFault(kind, where, format.formatted(args));
    }
}
