package io.culvert.emulator.ptx;

import java.util.List;

/**
 * One item of a function's body: an instruction, a label, a declaration, or a brace that opens or closes a scope.
 *
 * @param opcode the instruction with its modifiers; null for the others
 * @param guard predicate register, or null
 * @param label name, for a label; "{" or "}" for a brace
 * @param variable for a declaration in a state space
 * @param registers for a {@code .reg} declaration
 * @param location of the last {@code .loc}; null for none
 */
record Statement(
        int line,
        Location location,
        String opcode,
        String guard,
        boolean guardNegated,
        List<Operand> operands,
        String label,
        Variable variable,
        Registers registers) {
    /**
     * A place in a source file.
     *
     * @param file index in the {@code .file} table
     * @param inlinedAt where the function was called whose code was inlined; null for none
     */
    record Location(int file, int line, int column, Location inlinedAt) {}

    /** {@code .reg .b32 %r<count>}, or a single register where count is -1. */
    record Registers(ScalarType type, String name, int count) {}

    static Statement mark(int line, String label) {
        return new Statement(line, null, null, null, false, List.of(), label, null, null);
    }

    static Statement declare(int line, Variable variable) {
        return new Statement(line, null, null, null, false, List.of(), null, variable, null);
    }

    static Statement declare(int line, Registers registers) {
        return new Statement(line, null, null, null, false, List.of(), null, null, registers);
    }
}
