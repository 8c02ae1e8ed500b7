package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Turns a function's statements into {@link Code}. */
final class FunctionDecoder {
    /** A label, and the braces that it is declared in. */
    private record Label(int level, String name) {}

    /** A label as an instruction names it, and the braces around the instruction, innermost first. */
    private record Reference(int[] levels, String name) {}

    private record Table(int[] levels, List<Operand> labels) {}

    private final PtxParser.Function function;
    private final Map<String, PtxParser.Function> functions;
    private final Map<String, Variable> variables;
    private final Map<String, Variable> moduleShared;
    private final List<Instruction> allInstructions;
    private final Code code;
    private final Scope scope;
    private final List<Instruction> instructions = new ArrayList<>();
    private final Map<Label, Integer> labels = new HashMap<>();
    private final Map<Label, Table> branchTables = new HashMap<>();
    private final Map<Instruction, Reference> branchLabels = new HashMap<>();
    private final Map<Instruction, Reference> tableLabels = new HashMap<>();
    private String lastLabel = "";

    FunctionDecoder(
            PtxParser.Function function,
            Map<String, PtxParser.Function> functions,
            Map<String, Variable> variables,
            Map<String, Variable> moduleShared,
            List<Instruction> allInstructions) {
        this.function = function;
        this.functions = functions;
        this.variables = variables;
        this.moduleShared = moduleShared;
        this.allInstructions = allInstructions;
        code = new Code(
                function.name(), function.entry(), function.maxThreads(), function.params(), function.results());
        scope = new Scope(code);
    }

    Code decode() {
        placeParameters();
        for (Statement statement : function.body()) {
            if (statement.label() != null) {
                mark(statement);
            } else if (statement.registers() != null) {
                scope.declare(statement.registers());
                code.declare(statement.registers());
            } else if (statement.variable() != null) {
                declare(statement.variable());
            } else if (statement.opcode().equals(".branchtargets")) {
                branchTables.put(
                        new Label(scope.open()[0], lastLabel), new Table(scope.open(), statement.operands()));
            } else {
                add(statement);
            }
        }
        if (instructions.isEmpty() || !endsPath(instructions.get(instructions.size() - 1))) {
            Statement end = new Statement(function.line(), null, "ret", null, false, List.of(), null, null, null);
            add(end);
        }
        code.instructions = instructions.toArray(new Instruction[0]);
        branchLabels.forEach(
                (branch, label) -> branch.targets = new int[] {target(branch, label.levels(), label.name())});
        tableLabels.forEach((branch, table) -> branch.targets = table(branch, table));
        ControlFlow.findMeetingPoints(code.instructions);
        return code;
    }

    private static boolean endsPath(Instruction instruction) {
        return instruction.guard < 0
                && (instruction.control == Instruction.Control.RETURN
                        || instruction.control == Instruction.Control.EXIT
                        || instruction.control == Instruction.Control.BRANCH);
    }

    private void placeParameters() {
        if (!function.entry()) {
            function.results().forEach(variable -> scope.declareFrameVariable(variable, true));
            function.params().forEach(variable -> scope.declareFrameVariable(variable, true));
            return;
        }
        int offset = 0;
        for (Variable param : function.params()) {
            offset = (offset + param.align() - 1) / param.align() * param.align();
            code.paramOffsets.put(param.name(), offset);
            offset += (int) param.bytes();
        }
    }

    private void mark(Statement statement) {
        switch (statement.label()) {
            case "{" -> scope.enter();
            case "}" -> scope.close();
            default -> {
                lastLabel = statement.label();
                if (labels.put(new Label(scope.open()[0], lastLabel), instructions.size()) != null) {
                    throw new PtxException(statement.line(), "unsupported: label '%s' twice", lastLabel);
                }
            }
        }
    }

    private void declare(Variable variable) {
        if (variable.space().equals("shared")) {
            // Other functions, and other braces, may have one of this name.
            String unique = variable.name();
            while (moduleShared.containsKey(unique) || code.sharedVariables.containsKey(unique)) {
                unique = function.name() + "::" + unique;
            }
            code.sharedVariables.put(unique, variable.renamed(unique));
            scope.declareSharedVariable(variable.name(), unique);
        } else {
            scope.declareFrameVariable(variable, false);
        }
    }

    private int target(Instruction branch, int[] levels, String label) {
        for (int level : levels) {
            Integer target = labels.get(new Label(level, label));
            if (target != null) {
                return target;
            }
        }
        throw new PtxException(branch.statement.line(), "no label '%s'", label);
    }

    private int[] table(Instruction branch, Reference name) {
        for (int level : name.levels()) {
            Table table = branchTables.get(new Label(level, name.name()));
            if (table != null) {
                return table.labels().stream()
                        .mapToInt(label -> target(branch, table.levels(), label.text()))
                        .toArray();
            }
        }
        throw new PtxException(branch.statement.line(), "no branch table '%s'", name.name());
    }

    private void add(Statement statement) {
        Decoding x = new Decoding(statement, code, scope, variables, moduleShared, functions);
        Instruction instruction = control(x);
        if (instruction == null) {
            Action action = Instructions.decode(x);
            x.modifiers.end();
            boolean waits = x.members >= 0;
            instruction = make(x, waits ? Instruction.Control.WARP_SYNC : Instruction.Control.NONE, action);
            instruction.members = x.members;
        }
        if (statement.guard() != null) {
            instruction.guard = x.predicate(statement.guard());
            instruction.guardNegated = statement.guardNegated();
        }
        instructions.add(instruction);
        allInstructions.add(instruction);
    }

    private Instruction make(Decoding x, Instruction.Control control, Action action) {
        return new Instruction(x.statement, allInstructions.size(), x.instructionClass, control, action);
    }

    /** The instruction if it is one of control flow, else null. */
    private Instruction control(Decoding x) {
        x.instructionClass = InstructionClass.CONTROL;
        Instruction made = switch (x.modifiers.base) {
            case "bra" -> {
                x.modifiers.take("uni");
                Instruction branch = make(x, Instruction.Control.BRANCH, null);
                x.expectOperands(1);
                branchLabels.put(branch, new Reference(scope.open(), x.operand(0).text()));
                yield branch;
            }
            case "brx" -> {
                x.modifiers.take("idx");
                x.modifiers.take("uni");
                Instruction branch = make(x, Instruction.Control.BRANCH_TABLE, null);
                if (x.statement.guard() != null) {
                    throw x.unsupported("a guard");
                }
                branch.index = x.intSource(0, ScalarType.U32);
                x.expectOperands(2);
                tableLabels.put(branch, new Reference(scope.open(), x.operand(1).text()));
                yield branch;
            }
            case "ret" -> {
                x.modifiers.take("uni");
                yield make(x, Instruction.Control.RETURN, null);
            }
            case "exit" -> make(x, Instruction.Control.EXIT, null);
            case "call" -> call(x);
            case "bar", "barrier" -> barrier(x);
            default -> null;
        };
        if (made == null) {
            x.instructionClass = InstructionClass.INTEGER;
        } else {
            x.modifiers.end();
        }
        return made;
    }

    private Instruction call(Decoding x) {
        x.modifiers.take("uni");
        int next = x.operand(0).is(Operand.Kind.LIST) ? 1 : 0;
        List<Operand> results = next == 1 ? x.operand(0).items() : List.of();
        String callee = x.operand(next).text();
        boolean some = next + 1 < x.operandCount() && x.operand(next + 1).is(Operand.Kind.LIST);
        List<Operand> arguments = some ? x.operand(next + 1).items() : List.of();
        Scope.Register pointer = x.register(x.operand(next));
        // After the arguments of a call through a pointer comes the name of its prototype.
        if (x.operandCount() > next + (some ? 2 : 1) + (pointer != null ? 1 : 0)) {
            throw x.unsupported("operand '%s'", x.operand(x.operandCount() - 1).text());
        }
        if (pointer != null) {
            Instruction instruction = make(x, Instruction.Control.CALL, null);
            code.callsPointers = true;
            instruction.index = x.longSource(next, ScalarType.U64);
            instruction.call = new Instruction.Call(null, offsets(x, arguments), offsets(x, results));
            return instruction;
        }
        PtxParser.Function function = functions.get(callee);
        if (function == null || function.body() == null) {
            if (callee.equals("__assertfail")) {
                return make(x, Instruction.Control.NONE, (f, mask) -> {
                    int lane = Integer.numberOfTrailingZeros(mask);
                    throw f.warp.fault(KernelFault.Kind.TRAP, lane, "assertion failed");
                });
            }
            // A fault when it runs, not before: nvcc leaves calls of printf on paths that are never taken.
            return make(x, Instruction.Control.NONE, (f, mask) -> {
                int lane = Integer.numberOfTrailingZeros(mask);
                throw f.warp.fault(
                        KernelFault.Kind.UNSUPPORTED,
                        lane,
                        "unsupported: call of '%s', which this module does not define",
                        callee);
            });
        }
        if (function.params().size() != arguments.size() || function.results().size() != results.size()) {
            throw x.fault("'%s' takes %d arguments", callee, function.params().size());
        }
        for (int i = 0; i < arguments.size(); i++) {
            checkSize(x, arguments.get(i), function.params().get(i));
        }
        for (int i = 0; i < results.size(); i++) {
            checkSize(x, results.get(i), function.results().get(i));
        }
        code.callees.add(function.name());
        Instruction instruction = make(x, Instruction.Control.CALL, null);
        instruction.call = new Instruction.Call(function.name(), offsets(x, arguments), offsets(x, results));
        return instruction;
    }

    private void checkSize(Decoding x, Operand argument, Variable param) {
        String name = x.frameVariable(argument.text());
        if (name != null && code.frameVariables.get(name).bytes() < param.bytes()) {
            throw x.fault("'%s' has fewer than the %d bytes of '%s'", argument.text(), param.bytes(), param.name());
        }
    }

    private int[] offsets(Decoding x, List<Operand> operands) {
        return operands.stream()
                .mapToInt(operand -> {
                    String name = x.frameVariable(operand.text());
                    if (name == null) {
                        throw x.unsupported("argument '%s'", operand.text());
                    }
                    return code.frameVariables.get(name).offset();
                })
                .toArray();
    }

    private Instruction barrier(Decoding x) {
        Modifiers modifiers = x.modifiers;
        x.instructionClass = InstructionClass.BARRIER;
        if (modifiers.peek().equals("warp")) {
            return null;
        }
        modifiers.take("cta");
        modifiers.take("aligned");
        String kind = modifiers.oneOf("sync", "arrive", "red");
        if (kind == null) {
            throw modifiers.unsupported();
        }
        Instruction instruction = make(x, Instruction.Control.BARRIER, null);
        Instruction.Reduction reduction = Instruction.Reduction.NONE;
        int first = 0;
        int result = -1;
        int source = -1;
        boolean negated = false;
        int last = x.operandCount();
        if (kind.equals("red")) {
            String operation = modifiers.oneOf("popc", "and", "or");
            reduction = Instruction.Reduction.valueOf(
                    operation == null ? "NONE" : operation.toUpperCase(Locale.ROOT));
            ScalarType type = modifiers.type();
            result = type == ScalarType.PRED ? x.predicate(x.operand(0)) : x.destination(0, type);
            first = 1;
            last--;
            source = x.predicate(x.operand(last));
            negated = x.operand(last).negated();
        }
        int id = x.intSource(first, ScalarType.U32);
        int count = last > first + 1 ? x.intSource(first + 1, ScalarType.U32) : -1;
        boolean arrive = kind.equals("arrive");
        instruction.barrier = new Instruction.Barrier(id, count, arrive, reduction, result, source, negated);
        return instruction;
    }
}
