package io.culvert.emulator.ptx;

import java.io.Serializable;

/** A mistake of a kernel, or of its launch, that the interpreter found. The message is one line. */
public final class KernelFault extends RuntimeException {
    /** What is wrong. */
    public enum Kind {
        BAD_LAUNCH,
        OUT_OF_BOUNDS,
        USE_AFTER_FREE,
        MISALIGNED,
        UNINITIALISED,
        READ_ONLY,
        /** Two threads of a block touch one byte of shared memory, one of them writing, with nothing to order them. */
        SHARED_RACE,
        /** Part of a warp reaches a barrier. */
        DIVERGED_BARRIER,
        /** Threads wait at a barrier that others of the block never reach. */
        MISSED_BARRIER,
        /** A warp-wide instruction that some of the lanes in its member mask do not execute. */
        DIVERGED_WARP,
        /** The destination of a {@code cp.async} is touched before its wait. */
        COPY_IN_FLIGHT,
        TRAP,
        CALL_DEPTH,
        /** A call of a function that is not here, or that has something the interpreter cannot run. */
        UNSUPPORTED,
        INSTRUCTION_BUDGET
    }

    /** Where: the coordinates of block and thread, the PTX line, and the line of the {@code .cu} file or "". */
    public record Where(String kernel, String block, String thread, int ptxLine, String source)
            implements Serializable {}

    private final Kind kind;
    private final Where where;
    private final String what;

    KernelFault(Kind kind, Where where, String what) {
        super(
                where.ptxLine == 0
                        ? "%s: %s: %s".formatted(kind, where.kernel, what)
                        : "%s: %s: %s, block %s, thread %s, PTX line %d%s"
                                .formatted(
                                        kind,
                                        where.kernel,
                                        what,
                                        where.block,
                                        where.thread,
                                        where.ptxLine,
                                        where.source.isEmpty() ? "" : ", " + where.source));
        this.kind = kind;
        this.where = where;
        this.what = what;
    }

    /** A launch that is refused before any thread runs. */
    static KernelFault badLaunch(String kernel, String format, Object... args) {
        return new KernelFault(Kind.BAD_LAUNCH, new Where(kernel, "", "", 0, ""), format.formatted(args));
    }

    public Kind kind() {
        return kind;
    }

    /** What is wrong with which address, value or mask, without the place. */
    public String what() {
        return what;
    }

    public String kernel() {
        return where.kernel;
    }

    /** The block's coordinates as {@code (x,y,z)}; empty for a refused launch. */
    public String block() {
        return where.block;
    }

    /** The thread's coordinates as {@code (x,y,z)}; empty for a refused launch. */
    public String thread() {
        return where.thread;
    }

    /** The line of the PTX text, counted from 1; 0 for a refused launch. */
    public int ptxLine() {
        return where.ptxLine;
    }

    /** {@code file:line} of the CUDA source as compiled with {@code -lineinfo}; empty where the PTX has none. */
    public String source() {
        return where.source;
    }
}
