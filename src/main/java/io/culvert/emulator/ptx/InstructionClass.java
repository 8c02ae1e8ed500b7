package io.culvert.emulator.ptx;

/** What part of a GPU's multiprocessor an instruction keeps busy. */
public enum InstructionClass {
    /** Integer arithmetic, logic, compares and moves. */
    INTEGER,
    FP32,
    FP64,
    /** f16 and bf16 arithmetic. */
    HALF,
    CONVERSION,
    /** Approximate functions: rcp, sqrt, ex2, sin and the like. */
    SPECIAL,
    GLOBAL_MEMORY,
    SHARED_MEMORY,
    LOCAL_MEMORY,
    /** Loads of parameters and constants. */
    CONSTANT_MEMORY,
    ATOMIC,
    ASYNC_COPY,
    CONTROL,
    BARRIER,
    /** Shuffles, votes, matches and warp-wide reductions. */
    WARP_EXCHANGE,
    TENSOR
}
