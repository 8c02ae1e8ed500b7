package io.culvert.emulator.ptx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A PTX text, parsed and decoded: its kernels, device functions and variables. Immutable. */
public final class PtxModule {
    private final Map<Integer, String> files;
    private final Map<String, Code> codes = new LinkedHashMap<>();
    private final Map<String, PtxKernel> kernels = new LinkedHashMap<>();
    private final Map<String, Variable> shared = new HashMap<>();
    private final Map<String, Variable> variables = new LinkedHashMap<>();
    private final List<Instruction> instructions = new ArrayList<>();
    private final String version;
    private final String target;

    private PtxModule(PtxParser parsed) {
        files = parsed.files;
        version = parsed.version;
        target = parsed.target;
        for (Variable variable : parsed.variables) {
            (variable.space().equals("shared") ? shared : variables).put(variable.name(), variable);
        }
        Map<String, PtxParser.Function> functions = new LinkedHashMap<>();
        for (PtxParser.Function function : parsed.functions) {
            functions.merge(function.name(), function, (a, b) -> a.body() == null ? b : a);
        }
        for (PtxParser.Function function : functions.values()) {
            if (function.body() != null) {
                Code code = new FunctionDecoder(function, functions, variables, shared, instructions).decode();
                shared.putAll(code.sharedVariables);
                codes.put(code.name, code);
            }
        }
        codes.values().stream()
                .filter(code -> code.entry)
                .forEach(code -> kernels.put(code.name, new PtxKernel(this, code)));
    }

    /**
     * Reads PTX text as nvcc writes it and decodes every function in it.
     *
     * @throws PtxException for anything malformed or not supported
     */
    public static PtxModule parse(String text) {
        return new PtxModule(new PtxParser(text).parse());
    }

    /** The kernel of that name. */
    public PtxKernel kernel(String name) {
        PtxKernel kernel = kernels.get(name);
        if (kernel == null) {
            throw new IllegalArgumentException("no kernel '%s'; the module has %s".formatted(name, kernels.keySet()));
        }
        return kernel;
    }

    /** All kernels by name, in the order of the text. */
    public Map<String, PtxKernel> kernels() {
        return Collections.unmodifiableMap(kernels);
    }

    /** The {@code .target} architecture, such as {@code sm_80}. */
    public String target() {
        return target;
    }

    /** The {@code .version} of the PTX ISA, such as {@code 8.0}. */
    public String version() {
        return version;
    }

    /** Variables in global and constant memory. */
    Collection<Variable> variables() {
        return variables.values();
    }

    Variable shared(String name) {
        return shared.get(name);
    }

    Code code(String function) {
        return codes.get(function);
    }

    Instruction instruction(int id) {
        return instructions.get(id);
    }

    /**
     * {@code file:line} of the source, the file's name alone; or "". Of code inlined from a header of the toolkit,
     * where the {@code .cu} or {@code .cuh} file calls it.
     */
    String source(Statement statement) {
        Statement.Location location = statement.location();
        for (Statement.Location at = location; at != null; at = at.inlinedAt()) {
            String path = files.getOrDefault(at.file(), "");
            if (path.endsWith(".cu") || path.endsWith(".cuh") && !path.contains("/cub/")) {
                location = at;
                break;
            }
        }
        String path = location == null ? null : files.get(location.file());
        return path == null ? "" : path.substring(path.lastIndexOf('/') + 1) + ":" + location.line();
    }

    /** The function itself and all that it may call. */
    Set<Code> reachable(Code from) {
        Set<Code> found = new LinkedHashSet<>();
        ArrayDeque<Code> next = new ArrayDeque<>(List.of(from));
        while (!next.isEmpty()) {
            Code code = next.pop();
            if (found.add(code)) {
                code.callees.forEach(callee -> next.push(codes.get(callee)));
            }
        }
        return found;
    }
}
