package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads the body of a function into statements. */
final class BodyReader {
    private final TokenReader in;
    private final List<Statement> out = new ArrayList<>();
    private final Map<List<Integer>, Statement.Location> locations = new HashMap<>();
    private Statement.Location location;

    BodyReader(TokenReader in) {
        this.in = in;
    }

    List<Statement> body() {
        in.expect("{");
        int depth = 1;
        while (depth > 0) {
            Token token = in.peek();
            String text = token.text();
            if (text.equals("{") || text.equals("}")) {
                in.next();
                depth += text.equals("{") ? 1 : -1;
                if (depth > 0) {
                    out.add(Statement.mark(token.line(), text));
                }
            } else if (text.startsWith(".")) {
                directive();
            } else if (in.peekSecond().is(":")) {
                in.next();
                in.next();
                out.add(Statement.mark(token.line(), text));
            } else {
                instruction();
            }
        }
        return out;
    }

    private void directive() {
        Token token = in.peek();
        switch (token.text()) {
            case ".loc" -> location();
            case ".pragma" -> {
                in.next();
                in.next();
                in.expect(";");
            }
            case ".reg" -> registers();
            case ".shared", ".local", ".param" -> {
                for (Variable variable : new VariableReader(in).statement(false)) {
                    out.add(Statement.declare(token.line(), variable));
                }
            }
            case ".branchtargets" -> {
                in.next();
                out.add(statement(token, null, false, operands()));
            }
            default -> throw in.unsupported("directive", token);
        }
    }

    /**
     * {@code .loc file line column [, function_name label, inlined_at file line column]}: ends with its line. The place
     * of the call may have been inlined itself, as an earlier .loc said.
     */
    private void location() {
        int line = in.next().line();
        List<Integer> place = place();
        Statement.Location call = null;
        while (!in.atEnd() && in.peek().line() == line) {
            if (in.next().is("inlined_at")) {
                List<Integer> at = place();
                call = locations.getOrDefault(at, new Statement.Location(at.get(0), at.get(1), at.get(2), null));
            }
        }
        location = new Statement.Location(place.get(0), place.get(1), place.get(2), call);
        locations.put(place, location);
    }

    private List<Integer> place() {
        return List.of((int) in.integer(), (int) in.integer(), (int) in.integer());
    }

    private void registers() {
        int line = in.next().line();
        Token token = in.next();
        ScalarType type = ScalarType.named(token.text().substring(1));
        if (type == null) {
            throw in.unsupported("register type", token);
        }
        do {
            String name = in.next().text();
            int count = -1;
            if (in.accept("<")) {
                count = (int) in.integer();
                in.expect(">");
            }
            out.add(Statement.declare(line, new Statement.Registers(type, name, count)));
        } while (in.accept(","));
        in.expect(";");
    }

    private void instruction() {
        String guard = null;
        boolean negated = false;
        if (in.accept("@")) {
            negated = in.accept("!");
            guard = in.next().text();
        }
        Token opcode = in.next();
        if (!Character.isLetter(opcode.text().charAt(0))) {
            throw in.unsupported("statement", opcode);
        }
        out.add(statement(opcode, guard, negated, operands()));
    }

    private Statement statement(Token opcode, String guard, boolean negated, List<Operand> operands) {
        return new Statement(opcode.line(), location, opcode.text(), guard, negated, operands, null, null, null);
    }

    /** Operands up to and with the semicolon. */
    private List<Operand> operands() {
        List<Operand> operands = new ArrayList<>();
        while (!in.accept(";")) {
            operands.add(operand());
            if (!in.peek().is(";")) {
                in.expect(",");
            }
        }
        return operands;
    }

    private Operand operand() {
        if (in.accept("[")) {
            return address();
        }
        if (in.accept("{")) {
            return Operand.group(Operand.Kind.VECTOR, listUntil("}"));
        }
        if (in.accept("(")) {
            return Operand.group(Operand.Kind.LIST, listUntil(")"));
        }
        boolean negated = in.accept("!");
        boolean minus = in.accept("-");
        Token token = in.next();
        if (Character.isDigit(token.text().charAt(0))) {
            return Operand.number((minus ? "-" : "") + token.text());
        }
        if (minus) {
            throw in.unsupported("operand", token);
        }
        Operand first = Operand.name(token.text(), negated);
        return in.accept("|") ? Operand.group(Operand.Kind.PAIR, List.of(first, operand())) : first;
    }

    private List<Operand> listUntil(String end) {
        List<Operand> items = new ArrayList<>();
        while (!in.accept(end)) {
            items.add(operand());
            in.accept(",");
        }
        return items;
    }

    private Operand address() {
        String base = "";
        long offset = 0;
        if (!in.isNumber()) {
            base = in.next().text();
        } else {
            offset = in.integer();
        }
        while (in.accept("+")) {
            offset += in.integer();
        }
        if (in.peek().is("-")) {
            offset += in.integer();
        }
        in.expect("]");
        return Operand.address(base, offset);
    }
}
