package io.culvert.emulator.ptx;

/** A decoded instruction. Control flow is executed by {@link Warp}; everything else is an {@link Action}. */
final class Instruction {
    enum Control {
        NONE,
        BRANCH,
        BRANCH_TABLE,
        CALL,
        /** An action for which the lanes of the warp that its member mask names come together. */
        WARP_SYNC,
        RETURN,
        EXIT,
        BARRIER
    }

    /** A barrier's operands; slots of 32-bit registers, or -1; the reduction's are predicates but for popc's result. */
    record Barrier(
            int id, int count, boolean arriveOnly, Reduction reduction, int result, int source, boolean negated) {}

    enum Reduction {
        NONE,
        POPC,
        AND,
        OR
    }

    /** A call, of a pointer if the callee is null; offsets of arguments and results are those of the caller's variables in its frame in local memory. */
    record Call(String callee, int[] argumentOffsets, int[] resultOffsets) {}

    final Statement statement;

    /** Unique in the module. */
    final int id;

    final InstructionClass instructionClass;
    final Control control;

    /** Null unless control is NONE or WARP_SYNC. */
    final Action action;

    /** Slot of the member mask of a WARP_SYNC. */
    int members;

    /** Predicate register, or -1. */
    int guard = -1;

    boolean guardNegated;

    /** Indices of instructions, filled in once labels are known: targets, and where their paths meet again. */
    int[] targets = {};

    int reconverge;

    /** Slot of a branch table's index, or of the pointer that is called. */
    int index;

    Barrier barrier;
    Call call;

    Instruction(Statement statement, int id, InstructionClass instructionClass, Control control, Action action) {
        this.statement = statement;
        this.id = id;
        this.instructionClass = instructionClass;
        this.control = control;
        this.action = action;
    }
}
