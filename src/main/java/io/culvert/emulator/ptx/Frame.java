package io.culvert.emulator.ptx;

import java.util.Arrays;

/**
 * Registers of the 32 lanes of a warp in one function, and the stack of paths that its branches split it into. The path
 * on top executes until it reaches its meeting point; then the one below goes on.
 */
final class Frame {
    final LinkedCode linked;
    final Profile profile;
    final Warp warp;
    final Frame caller;

    /** 32-bit, 64-bit and predicate registers; a predicate is one bit a lane. */
    final int[] r;

    final long[] d;
    final int[] p;

    /** Where this frame starts in each thread's local memory. */
    final int localBase;

    /** Lanes that entered the function. */
    final int entered;

    /** Carry bits of add.cc, one a lane. */
    int carry;

    /** The path on top: next instruction, lanes, and the instruction at which it meets the path below. */
    int pc;

    int mask;
    int meet;
    private int[] paths = new int[24];
    private int depth;

    Frame(LinkedCode linked, Warp warp, Frame caller, int mask) {
        this.linked = linked;
        this.profile = linked.profile;
        this.warp = warp;
        this.caller = caller;
        r = linked.ints.clone();
        d = linked.longs.clone();
        p = linked.preds.clone();
        localBase = caller == null ? 0 : (caller.localBase + caller.linked.code.frameBytes + 15) / 16 * 16;
        this.mask = mask;
        entered = mask;
        meet = linked.code.instructions.length;
        for (var symbol : linked.code.frameSymbols.entrySet()) {
            long address = localBase
                    + (long) linked.code.frameVariables.get(symbol.getKey()).offset();
            Arrays.fill(d, symbol.getValue(), symbol.getValue() + 32, address);
        }
    }

    int end() {
        return localBase + linked.code.frameBytes;
    }

    /** Saves the path on top, to be overwritten by another. */
    private void push() {
        if (depth + 3 > paths.length) {
            paths = Arrays.copyOf(paths, paths.length * 2);
        }
        paths[depth] = pc;
        paths[depth + 1] = mask;
        paths[depth + 2] = meet;
        depth += 3;
    }

    /**
     * Splits the path on top at a branch: {@code taken} lanes go to {@code target}, {@code others} to {@code next}.
     *
     * @param join the instruction at which they meet again
     * @param takenFirst which of the two runs first
     */
    void split(int join, int target, int taken, int next, int others, boolean takenFirst) {
        profile.splits[pc]++;
        if (join != meet) {
            // The path itself waits at the meeting point with all its lanes. If it meets the one below there too, as
            // in a loop that lanes leave one by one, that one waits for all: the stack does not grow.
            pc = join;
            push();
        }
        meet = join;
        if (target == join || next == join) {
            pc = target == join ? next : target;
            mask = target == join ? others : taken;
            return;
        }
        pc = takenFirst ? next : target;
        mask = takenFirst ? others : taken;
        push();
        pc = takenFirst ? target : next;
        mask = takenFirst ? taken : others;
    }

    /** Goes on with the path below that still has lanes; false if there is none. */
    boolean pop() {
        while (depth > 0) {
            depth -= 3;
            pc = paths[depth];
            mask = paths[depth + 1];
            meet = paths[depth + 2];
            if (mask != 0) {
                return true;
            }
        }
        mask = 0;
        return false;
    }

    /** Takes lanes that left the function out of all paths. */
    void remove(int lanes) {
        mask &= ~lanes;
        for (int i = 1; i < depth; i += 3) {
            paths[i] &= ~lanes;
        }
    }

    Instruction current() {
        return linked.code.instructions[pc];
    }
}
