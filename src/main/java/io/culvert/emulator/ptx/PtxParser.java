package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads PTX text into declarations and function bodies; knows the grammar, not the instructions. */
final class PtxParser {
    /**
     * A function as written.
     *
     * @param maxThreads of a block, as {@code .maxntid} or {@code .reqntid} bounds them
     * @param body null for a declaration
     */
    record Function(
            int line,
            String name,
            boolean entry,
            int maxThreads,
            List<Variable> results,
            List<Variable> params,
            List<Statement> body) {}

    private static final Set<String> LINKAGE = Set.of(".visible", ".extern", ".weak", ".common");
    private static final Set<String> SPACES = Set.of(".global", ".const", ".shared", ".local", ".param");
    private static final Set<String> PERFORMANCE_HINTS =
            Set.of(".maxntid", ".reqntid", ".minnctapersm", ".maxnctapersm", ".maxnreg", ".noreturn");

    final List<Function> functions = new ArrayList<>();
    final List<Variable> variables = new ArrayList<>();
    final Map<Integer, String> files = new HashMap<>();
    String version = "";

    /** Other names of functions. */
    final Map<String, String> aliases = new HashMap<>();

    String target = "";
    private final TokenReader in;

    PtxParser(String text) {
        in = new TokenReader(text);
    }

    PtxParser parse() {
        while (!in.atEnd()) {
            Token token = in.peek();
            switch (token.text()) {
                case ".version" -> {
                    in.next();
                    version = in.next().text();
                }
                case ".target" -> {
                    in.next();
                    target = in.next().text();
                    while (in.accept(",")) {
                        in.next();
                    }
                }
                case ".address_size" -> {
                    in.next();
                    in.expect("64");
                }
                case ".file" -> file();
                case ".section" -> in.skipSection();
                case ".pragma" -> {
                    in.next();
                    in.next();
                    in.expect(";");
                }
                case ".alias" -> {
                    in.next();
                    String alias = in.next().text();
                    in.expect(",");
                    aliases.put(alias, in.next().text());
                    in.expect(";");
                }
                default -> declaration();
            }
        }
        if (version.isEmpty()) {
            throw new PtxException(1, "no .version: this is no PTX");
        }
        return this;
    }

    private void file() {
        in.next();
        int index = (int) in.integer();
        Token token = in.next();
        String name = token.text();
        if (name.length() < 2 || name.charAt(0) != '"') {
            throw new PtxException(token.line(), "expected a file's name, found '%s'", name);
        }
        files.put(index, name.substring(1, name.length() - 1));
        while (in.accept(",")) {
            in.next();
        }
    }

    private void declaration() {
        boolean external = false;
        while (LINKAGE.contains(in.peek().text())) {
            external |= in.next().is(".extern");
        }
        Token token = in.peek();
        if (token.is(".entry") || token.is(".func")) {
            function();
        } else if (SPACES.contains(token.text())) {
            variables.addAll(new VariableReader(in).statement(external));
        } else {
            throw in.unsupported("directive", token);
        }
    }

    private void function() {
        boolean entry = in.next().is(".entry");
        List<Variable> results = in.peek().is("(") ? parameters() : List.of();
        Token name = in.next();
        if (!TokenReader.isName(name)) {
            throw in.unsupported("name of a function", name);
        }
        List<Variable> params = in.peek().is("(") ? parameters() : List.of();
        int maxThreads = 1024;
        while (PERFORMANCE_HINTS.contains(in.peek().text())) {
            boolean bound = in.next().text().endsWith("ntid");
            int product = 1;
            while (in.isNumber()) {
                product = (int) Math.clamp(product * Math.clamp(in.integer(), 0, 1024), 0, 1024);
                in.accept(",");
            }
            maxThreads = bound ? Math.min(maxThreads, product) : maxThreads;
        }
        List<Statement> body = null;
        if (!in.accept(";")) {
            if (!in.peek().is("{")) {
                throw in.unsupported("directive", in.peek());
            }
            body = new BodyReader(in).body();
        }
        functions.add(new Function(name.line(), name.text(), entry, maxThreads, results, params, body));
    }

    private List<Variable> parameters() {
        List<Variable> list = new ArrayList<>();
        in.expect("(");
        while (!in.accept(")")) {
            list.add(new VariableReader(in).parameter());
            if (!in.peek().is(")")) {
                in.expect(",");
            }
        }
        return list;
    }
}
