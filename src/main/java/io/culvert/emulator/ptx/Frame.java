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

    /**
     * Whether path {@code at} belongs to another side of the branches that the path on top took: then it has none of its
     * lanes, which the path at the meeting point has.
     */
    private boolean isElsewhere(int at) {
        return at >= 0 && (paths[at + 1] & mask) == 0;
    }

    /** Takes in the lanes of other sides that stand at the same instruction; false if there are none. */
    boolean merge() {
        int more = 0;
        for (int at = depth - 3; isElsewhere(at); at -= 3) {
            if (paths[at] == pc && paths[at + 2] == meet) {
                more |= paths[at + 1];
                paths[at + 1] = 0;
            }
        }
        mask |= more;
        return more != 0;
    }

    /** How many other sides there are that still have lanes. */
    int siblings() {
        int count = 0;
        for (int at = depth - 3; isElsewhere(at); at -= 3) {
            count += paths[at + 1] != 0 ? 1 : 0;
        }
        return count;
    }

    /** Lets the next other side run; this path waits below all of them. */
    void rotate() {
        int first = depth;
        while (isElsewhere(first - 3)) {
            first -= 3;
        }
        insert(first, pc, mask, meet);
        pop();
    }

    private void insert(int at, int otherPc, int otherMask, int otherMeet) {
        push();
        System.arraycopy(paths, at, paths, at + 3, depth - 3 - at);
        paths[at] = otherPc;
        paths[at + 1] = otherMask;
        paths[at + 2] = otherMeet;
    }

    /**
     * Lets lanes run that wait below the path on top: those of another side, or those that have reached a meeting point,
     * which then do not wait there. {@code turn} says which of several. For a path that waits in a loop for another lane.
     */
    void yield(int turn) {
        int candidates = 0;
        int above = mask;
        for (int at = depth - 3; at >= 0; at -= 3) {
            candidates += (paths[at + 1] & ~above) != 0 ? 1 : 0;
            above |= paths[at + 1];
        }
        if (candidates == 0) {
            return;
        }
        int skip = turn % candidates;
        above = mask;
        int pivot = depth - 3;
        for (; ; pivot -= 3) {
            if ((paths[pivot + 1] & ~above) != 0 && skip-- == 0) {
                break;
            }
            above |= paths[pivot + 1];
        }
        int pivotPc = paths[pivot];
        int waiting = paths[pivot + 1] & ~above;
        int pivotMeet = paths[pivot + 2];
        boolean join = (paths[pivot + 1] & above) != 0;
        push();
        System.arraycopy(paths, pivot + 3, paths, pivot, depth - pivot - 3);
        depth -= 3;
        for (int at = pivot; join && at < depth; at += 3) {
            paths[at + 2] = paths[at + 2] == pivotPc ? pivotMeet : paths[at + 2];
        }
        pc = pivotPc;
        mask = waiting;
        meet = pivotMeet;
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
