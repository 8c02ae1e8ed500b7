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
    /** These bits of an address say that the rest numbers a function. */
    private static final long FUNCTION_WINDOW = 4L << 56;

    /** Shared memory that cooperative groups use, in kernels that ask where it is. */
    static final String RESERVED_SHARED = "%reserved_smem";

    private final Map<Integer, String> files;
    private final Map<String, Code> codes = new LinkedHashMap<>();
    private final Map<String, PtxKernel> kernels = new LinkedHashMap<>();
    private final Map<String, Variable> shared = new HashMap<>();
    private final Map<String, Variable> variables = new LinkedHashMap<>();
    private final List<Instruction> instructions = new ArrayList<>();
    private final String version;
    private final Map<String, PtxException> refused = new HashMap<>();
    private final List<String> functionNames = new ArrayList<>();
    private final Map<String, Long> functionAddresses = new HashMap<>();
    private final String target;

    private PtxModule(PtxParser parsed) {
        files = parsed.files;
        version = parsed.version;
        target = parsed.target;
        for (Variable variable : parsed.variables) {
            (variable.space().equals("shared") ? shared : variables).put(variable.name(), variable);
        }
        shared.put(RESERVED_SHARED, new Variable("shared", RESERVED_SHARED, "b8", 1024, 128, null, List.of()));
        Map<String, PtxParser.Function> functions = new LinkedHashMap<>();
        for (PtxParser.Function function : parsed.functions) {
            functions.merge(function.name(), function, PtxModule::defined);
        }
        List<PtxParser.Function> bodies =
                functions.values().stream().filter(f -> f.body() != null).toList();
        parsed.aliases.forEach((alias, name) -> functions.put(alias, functions.get(name)));
        for (PtxParser.Function function : bodies) {
            try {
                Code code = new FunctionDecoder(function, functions, variables, shared, instructions).decode();
                shared.putAll(code.sharedVariables);
                codes.put(code.name, code);
            } catch (PtxException e) {
                // nvcc -G keeps functions of the toolkit's headers that nothing calls: those may be anything.
                if (function.entry()) {
                    throw e;
                }
                refused.put(function.name(), e);
            }
        }
        bodies.forEach(function -> functionNames.add(function.name()));
        functions.forEach((name, function) -> {
            if (function != null && function.body() != null) {
                functionAddresses.put(name, FUNCTION_WINDOW | functionNames.indexOf(function.name()));
            }
        });
        variables.values().forEach(this::checkPointers);
        codes.values().stream()
                .filter(code -> code.entry)
                .forEach(code -> kernels.put(code.name, new PtxKernel(this, code)));
    }

    private static PtxParser.Function defined(PtxParser.Function a, PtxParser.Function b) {
        if (a.body() != null && b.body() != null) {
            throw new PtxException(b.line(), "function '%s' is defined twice", b.name());
        }
        return a.body() == null ? b : a;
    }

    private void checkPointers(Variable variable) {
        for (Variable.Pointer pointer : variable.pointers()) {
            if (!variables.containsKey(pointer.symbol()) && !functionAddresses.containsKey(pointer.symbol())) {
                throw new PtxException(
                        1, "unsupported: '%s' points to '%s'", variable.name(), pointer.symbol());
            }
        }
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

    /** What a pointer to the function holds. */
    Long functionAddress(String name) {
        return functionAddresses.get(name);
    }

    /** Name of the function that a pointer points to, or null. */
    String functionAt(long address) {
        long index = address - FUNCTION_WINDOW;
        return index < 0 || index >= functionNames.size() ? null : functionNames.get((int) index);
    }

    Variable shared(String name) {
        return shared.get(name);
    }

    /**
     * A function's code, or null if something in it is not supported: see {@link #refusal}.
     */
    Code code(String function) {
        return codes.get(function);
    }

    /** Why a function has no code. */
    String refusal(String function) {
        return refused.get(function).getMessage();
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

    private void push(ArrayDeque<Code> next, String callee) {
        // A call of a function that is refused is a fault when it runs.
        if (codes.containsKey(callee)) {
            next.push(codes.get(callee));
        }
    }

    /** Functions that a variable points to. */
    private List<String> pointedTo() {
        return variables.values().stream()
                .flatMap(variable -> variable.pointers().stream())
                .map(pointer -> functionAddresses.get(pointer.symbol()))
                .filter(address -> address != null)
                .map(address -> functionNames.get((int) (address - FUNCTION_WINDOW)))
                .toList();
    }

    /** The function itself and all that it may call. */
    Set<Code> reachable(Code from) {
        Set<Code> found = new LinkedHashSet<>();
        ArrayDeque<Code> next = new ArrayDeque<>(List.of(from));
        while (!next.isEmpty()) {
            Code code = next.pop();
            if (found.add(code)) {
                code.callees.forEach(callee -> push(next, callee));
                if (code.callsPointers) {
                    pointedTo().forEach(callee -> push(next, callee));
                }
            }
        }
        return found;
    }
}
