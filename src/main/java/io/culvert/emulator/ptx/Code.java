package io.culvert.emulator.ptx;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A decoded function or kernel. Register numbers are offsets of a register's lane 0 in its file: multiples of 32. */
final class Code {
    /** The address of a variable or function, and so many bytes. */
    record Symbol(String name, long addend) {}

    /** A variable in the frame that each thread has in local memory: a parameter or a {@code .local} array. */
    record FrameVariable(int offset, int bytes) {}

    final String name;
    final boolean entry;

    /** Threads that a block of the kernel may have. */
    final int maxThreads;

    final List<Variable> params;
    final List<Variable> results;
    Instruction[] instructions;

    /** 32-bit, 64-bit and predicate registers in use. */
    int ints;

    int longs;
    int preds;

    /** Registers that hold constants, symbols and special registers: these are operands like any other. */
    final Map<Long, Integer> intConstants = new LinkedHashMap<>();

    final Map<Long, Integer> longConstants = new LinkedHashMap<>();
    final Map<Long, Integer> predConstants = new LinkedHashMap<>();

    /** Addresses of global, const and shared variables and of functions, known at launch. */
    final Map<Symbol, Integer> symbols = new LinkedHashMap<>();

    /** Addresses of {@link #frameVariables}, known at each call. */
    final Map<String, Integer> frameSymbols = new LinkedHashMap<>();

    final Map<String, Integer> specials = new LinkedHashMap<>();

    final Map<String, FrameVariable> frameVariables = new LinkedHashMap<>();
    int frameBytes;

    /** Byte offsets of a kernel's parameters in its parameter block. */
    final Map<String, Integer> paramOffsets = new LinkedHashMap<>();

    final Map<String, Variable> sharedVariables = new LinkedHashMap<>();
    /** Functions that this one calls, or whose address it takes. */
    final Set<String> callees = new LinkedHashSet<>();

    boolean callsPointers;

    /** Registers that the text declares, by type as written. */
    final Map<String, Integer> declaredRegisters = new TreeMap<>();

    Code(String name, boolean entry, int maxThreads, List<Variable> params, List<Variable> results) {
        this.name = name;
        this.entry = entry;
        this.maxThreads = maxThreads;
        this.params = params;
        this.results = results;
    }

    /** {@code %r<45>} declares 45 registers, of which nvcc leaves number 0 unused. */
    void declare(Statement.Registers registers) {
        String type = registers.type().name().toLowerCase(Locale.ROOT);
        declaredRegisters.merge(type, Math.max(1, registers.count() - 1), Integer::sum);
    }

    int newInt() {
        return 32 * ints++;
    }

    int newLong() {
        return 32 * longs++;
    }

    int newPred() {
        return preds++;
    }

    int intConstant(int value) {
        return intConstants.computeIfAbsent((long) value, key -> newInt());
    }

    int longConstant(long value) {
        return longConstants.computeIfAbsent(value, key -> newLong());
    }

    int predConstant(boolean value) {
        return predConstants.computeIfAbsent(value ? 1L : 0L, key -> newPred());
    }

    FrameVariable addFrameVariable(String uniqueName, int bytes, int align) {
        int offset = (frameBytes + align - 1) / align * align;
        FrameVariable variable = new FrameVariable(offset, bytes);
        frameVariables.put(uniqueName, variable);
        frameBytes = offset + bytes;
        return variable;
    }
}
