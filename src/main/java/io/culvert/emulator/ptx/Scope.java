package io.culvert.emulator.ptx;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/** The names declared in a function's nested braces. Each register gets its place when it is first used. */
final class Scope {
    /** A register: its declared type, and its slot in the file that the type belongs to. */
    record Register(ScalarType type, int slot) {
        boolean wide() {
            return type.bits == 64;
        }

        boolean predicate() {
            return type == ScalarType.PRED;
        }
    }

    private static final class Level {
        final Map<String, Statement.Registers> declared = new HashMap<>();
        final Map<String, Register> registers = new HashMap<>();
        final Map<String, String> frameVariables = new HashMap<>();
        final Map<String, String> sharedVariables = new HashMap<>();
        final int id;

        Level(int id) {
            this.id = id;
        }
    }

    private final Code code;
    private final ArrayDeque<Level> levels = new ArrayDeque<>();
    private int renamed;
    private int opened;

    Scope(Code code) {
        this.code = code;
        enter();
    }

    void enter() {
        levels.push(new Level(opened++));
    }

    void close() {
        levels.pop();
    }

    void declare(Statement.Registers registers) {
        levels.peek().declared.put(registers.name(), registers);
    }

    /** A variable in each thread's frame; another scope may have one of the same name. */
    void declareFrameVariable(Variable variable, boolean outermost) {
        String unique = outermost ? variable.name() : variable.name() + "#" + renamed++;
        code.addFrameVariable(unique, (int) variable.bytes(), variable.align());
        levels.peek().frameVariables.put(variable.name(), unique);
    }

    void declareSharedVariable(String name, String unique) {
        levels.peek().sharedVariables.put(name, unique);
    }

    /** The numbers of the braces that are open, the innermost first: where to look for a label. */
    int[] open() {
        return levels.stream().mapToInt(level -> level.id).toArray();
    }

    /** The unique name of a shared variable of the function, or null. */
    String sharedVariable(String name) {
        for (Level level : levels) {
            String unique = level.sharedVariables.get(name);
            if (unique != null) {
                return unique;
            }
        }
        return null;
    }

    /** The register, or null. */
    Register register(String name) {
        int digits = name.length();
        while (digits > 0 && Character.isDigit(name.charAt(digits - 1))) {
            digits--;
        }
        for (Level level : levels) {
            Register known = level.registers.get(name);
            if (known != null) {
                return known;
            }
            Statement.Registers one = level.declared.get(name);
            Statement.Registers many = level.declared.get(name.substring(0, digits));
            boolean inRange = many != null
                    && digits < name.length()
                    && name.length() - digits < 9
                    && Integer.parseInt(name.substring(digits)) < many.count();
            Statement.Registers declared = one != null && one.count() < 0 ? one : inRange ? many : null;
            if (declared != null) {
                ScalarType type = declared.type();
                int slot = type == ScalarType.PRED ? code.newPred() : type.bits == 64 ? code.newLong() : code.newInt();
                Register register = new Register(type, slot);
                level.registers.put(name, register);
                return register;
            }
        }
        return null;
    }

    /** The unique name of a frame variable, or null. */
    String frameVariable(String name) {
        for (Level level : levels) {
            String unique = level.frameVariables.get(name);
            if (unique != null) {
                return unique;
            }
        }
        return null;
    }
}
