package io.culvert.emulator.ptx;

import java.util.Map;

/** One statement on its way to becoming an {@link Instruction}: its modifiers, and its operands as register slots. */
final class Decoding {
    final Statement statement;
    final Modifiers modifiers;
    final Code code;
    private final Scope scope;
    private final Map<String, Variable> variables;
    private final Map<String, Variable> moduleShared;
    private final Map<String, PtxParser.Function> functions;

    /** Slot of the member mask of an instruction that waits for other lanes, or -1. */
    int members = -1;

    /** The class of the instruction, once its decoder knows it. */
    InstructionClass instructionClass = InstructionClass.INTEGER;

    Decoding(
            Statement statement,
            Code code,
            Scope scope,
            Map<String, Variable> variables,
            Map<String, Variable> moduleShared,
            Map<String, PtxParser.Function> functions) {
        this.statement = statement;
        this.code = code;
        this.scope = scope;
        this.variables = variables;
        this.moduleShared = moduleShared;
        this.functions = functions;
        modifiers = new Modifiers(statement);
    }

    int operandCount() {
        return statement.operands().size();
    }

    Operand operand(int i) {
        if (i >= operandCount()) {
            throw fault("operand %d is missing", i + 1);
        }
        return statement.operands().get(i);
    }

    void expectOperands(int count) {
        if (operandCount() != count) {
            throw fault("expected %d operands, found %d", count, operandCount());
        }
    }

    PtxException fault(String format, Object... args) {
        return new PtxException(statement.line(), "%s: %s", statement.opcode(), format.formatted(args));
    }

    PtxException unsupported(String format, Object... args) {
        return new PtxException(statement.line(), "unsupported: %s: %s", statement.opcode(), format.formatted(args));
    }

    /** The register of an operand, or null if it is something else. */
    Scope.Register register(Operand operand) {
        return operand.is(Operand.Kind.NAME) && operand.offset() == 0 ? scope.register(operand.text()) : null;
    }

    private Scope.Register required(Operand operand) {
        Scope.Register register = register(operand);
        if (register == null) {
            throw unsupported("operand '%s'", operand.text());
        }
        return register;
    }

    /** Slot of a 32-bit (or narrower) source: register, literal or special register. */
    int intSource(Operand operand, ScalarType type) {
        if (operand.is(Operand.Kind.NUMBER)) {
            long bits = literal(operand, type);
            return code.intConstant((int) (type.bits < 32 ? bits & (1L << type.bits) - 1 : bits));
        }
        if (operand.is(Operand.Kind.NAME) && SpecialRegisters.isKnown(operand.text())) {
            return code.specials.computeIfAbsent(operand.text(), name -> code.newInt());
        }
        Scope.Register register = required(operand);
        if (register.wide() || register.predicate()) {
            throw fault("'%s' is no register of 32 bits or fewer", operand.text());
        }
        return register.slot();
    }

    int intSource(int i, ScalarType type) {
        return intSource(operand(i), type);
    }

    /** Slot of the operand that names the lanes which the instruction waits for. */
    int memberMask(int i) {
        members = intSource(i, ScalarType.B32);
        return members;
    }

    /** Slot of a 64-bit source: register, literal, or the address of a variable. */
    int longSource(Operand operand, ScalarType type) {
        if (operand.is(Operand.Kind.NUMBER)) {
            return code.longConstant(literal(operand, type));
        }
        Scope.Register register = register(operand);
        if (register == null && operand.is(Operand.Kind.NAME)) {
            return symbol(operand.text(), operand.offset()).slot();
        }
        if (!required(operand).wide()) {
            throw fault("'%s' is no 64-bit register", operand.text());
        }
        return register.slot();
    }

    int longSource(int i, ScalarType type) {
        return longSource(operand(i), type);
    }

    /** Slot of a source in the file that {@code type} belongs to. */
    int source(int i, ScalarType type) {
        return type.bits == 64 ? longSource(i, type) : intSource(i, type);
    }

    int destination(int i, ScalarType type) {
        return destination(operand(i), type);
    }

    int destination(Operand operand, ScalarType type) {
        boolean wide = type.bits == 64;
        if (operand.is(Operand.Kind.NAME) && operand.text().equals("_")) {
            return wide ? code.newLong() : code.newInt();
        }
        Scope.Register register = required(operand);
        if (register.wide() != wide || register.predicate()) {
            throw fault("'%s' cannot hold a result of %d bits", operand.text(), type.bits);
        }
        return register.slot();
    }

    int predicate(Operand operand) {
        if (operand.is(Operand.Kind.NUMBER)) {
            return code.predConstant(literal(operand, ScalarType.B32) != 0);
        }
        if (operand.is(Operand.Kind.NAME) && operand.text().equals("_")) {
            return code.newPred();
        }
        Scope.Register register = required(operand);
        if (!register.predicate()) {
            throw fault("'%s' is no predicate", operand.text());
        }
        return register.slot();
    }

    int predicate(String name) {
        return predicate(Operand.name(name, false));
    }

    private long literal(Operand operand, ScalarType type) {
        boolean negative = operand.text().startsWith("-");
        String text = negative ? operand.text().substring(1) : operand.text();
        long bits = Literal.bits(new Token(text, statement.line()), type);
        if (!negative) {
            return bits;
        }
        return type == ScalarType.F64 ? bits ^ Long.MIN_VALUE : type == ScalarType.F32 ? bits ^ 0x80000000L : -bits;
    }

    /** The value of an operand that must be a literal. */
    long immediate(int i) {
        if (!operand(i).is(Operand.Kind.NUMBER)) {
            throw unsupported("operand %d is no number", i + 1);
        }
        return literal(operand(i), ScalarType.B64);
    }

    Address address(int i) {
        Operand operand = operand(i);
        if (!operand.is(Operand.Kind.ADDRESS)) {
            throw fault("operand %d is no address", i + 1);
        }
        if (!operand.items().isEmpty()) {
            throw unsupported("an address with more than one part");
        }
        if (operand.text().isEmpty()) {
            return new Address(true, code.longConstant(0), operand.offset(), false);
        }
        Scope.Register register = scope.register(operand.text());
        if (register == null) {
            Address symbol = symbol(operand.text(), 0);
            return new Address(true, symbol.slot(), operand.offset(), symbol.kernelParameter());
        }
        if (register.predicate() || register.type().bits < 32) {
            throw fault("'%s' holds no address", operand.text());
        }
        return new Address(register.wide(), register.slot(), operand.offset(), false);
    }

    /** The unique name of a variable in the frame, or null. */
    String frameVariable(String name) {
        return scope.frameVariable(name);
    }

    private Address symbol(String name, long addend) {
        String unique = scope.frameVariable(name);
        if (unique != null) {
            if (addend != 0) {
                throw unsupported("an address within '%s'", name);
            }
            return new Address(true, code.frameSymbols.computeIfAbsent(unique, n -> code.newLong()), 0, false);
        }
        Integer param = code.paramOffsets.get(name);
        if (param != null) {
            return new Address(true, code.longConstant(param + addend), 0, true);
        }
        String shared = scope.sharedVariable(name);
        PtxParser.Function function = functions.get(name);
        boolean variable = shared != null || moduleShared.containsKey(name) || variables.containsKey(name);
        if (!variable && (function == null || function.body() == null)) {
            throw unsupported("operand '%s' is no register and no variable", name);
        }
        if (!variable) {
            code.callees.add(function.name());
        }
        Code.Symbol symbol = new Code.Symbol(shared != null ? shared : name, addend);
        return new Address(true, code.symbols.computeIfAbsent(symbol, n -> code.newLong()), 0, false);
    }
}
