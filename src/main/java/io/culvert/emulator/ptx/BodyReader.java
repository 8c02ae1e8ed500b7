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
    private int depth;

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
            case ".callprototype", ".calltargets" -> {
                // What a call through a pointer may reach; the function itself says what it takes.
                while (!in.next().is(";")) {
                    continue;
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
            Token named = in.next();
            if (!TokenReader.isName(named)) {
                throw in.unsupported("register", named);
            }
            String name = named.text();
            int count = -1;
            if (in.accept("<")) {
                count = Math.clamp(in.integer(), 0, Integer.MAX_VALUE);
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
        if (!Character.isLetter(opcode.text().isEmpty() ? ' ' : opcode.text().charAt(0))) {
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
        // Nothing nests deeper than the list of a call in the coordinates of an address.
        if (++depth > 8) {
            throw in.unsupported("operand", in.peek());
        }
        Operand operand = plainOperand();
        depth--;
        return operand;
    }

    private Operand plainOperand() {
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
        if (!TokenReader.isName(token)) {
            throw in.unsupported("operand", token);
        }
        if (!negated && (in.peek().is("+") || in.peek().is("-"))) {
            return Operand.name(token.text(), offset());
        }
        Operand first = Operand.name(token.text(), negated);
        return in.accept("|") ? Operand.group(Operand.Kind.PAIR, List.of(first, operand())) : first;
    }

    private List<Operand> listUntil(String end) {
        List<Operand> items = new ArrayList<>();
        while (!in.accept(end)) {
            items.add(operand());
            if (!in.peek().is(end)) {
                in.expect(",");
            }
        }
        return items;
    }

    private Operand address() {
        String base = "";
        long offset = 0;
        if (!in.isNumber()) {
            Token token = in.next();
            if (!TokenReader.isName(token)) {
                throw in.unsupported("address", token);
            }
            base = token.text();
        } else {
            offset = in.integer();
        }
        List<Operand> more = new ArrayList<>();
        offset += offset();
        while (in.accept(",")) {
            more.add(operand());
        }
        in.expect("]");
        return Operand.address(base, offset, more);
    }

    /** {@code + 8}, {@code - 8} or {@code +-8}, as often as it comes. */
    private long offset() {
        long offset = 0;
        while (in.peek().is("+") || in.peek().is("-")) {
            in.accept("+");
            offset += in.integer();
        }
        return offset;
    }
}
