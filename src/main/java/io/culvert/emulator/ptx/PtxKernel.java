package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A kernel of a module, decoded. */
public final class PtxKernel {
    /**
     * A parameter.
     *
     * @param type element type as PTX names it, such as {@code u64}
     * @param bytes size, also of a structure passed by value
     * @param offset in the packed parameter block
     */
    public record Parameter(String name, String type, int bytes, int align, int offset) {}

    private final PtxModule module;
    private final Code code;
    private final List<Parameter> parameters = new ArrayList<>();
    private final Map<Variable, Long> sharedOffsets = new LinkedHashMap<>();
    private final int parameterBytes;
    private int staticShared;
    private int sharedAlign = 1;

    PtxKernel(PtxModule module, Code code) {
        this.module = module;
        this.code = code;
        int end = 0;
        for (Variable param : code.params) {
            int offset = code.paramOffsets.get(param.name());
            parameters.add(new Parameter(param.name(), param.type(), (int) param.bytes(), param.align(), offset));
            end = offset + (int) param.bytes();
        }
        parameterBytes = end;
        placeShared();
    }

    private void placeShared() {
        TreeSet<String> names = new TreeSet<>();
        for (Code reached : module.reachable(code)) {
            reached.symbols.keySet().stream()
                    .map(Code.Symbol::name)
                    .filter(name -> module.shared(name) != null)
                    .forEach(names::add);
        }
        List<Variable> open = new ArrayList<>();
        for (String name : names) {
            Variable variable = module.shared(name);
            if (variable.bytes() < 0) {
                open.add(variable);
                sharedAlign = Math.max(sharedAlign, variable.align());
            } else {
                staticShared = align(staticShared, variable.align());
                sharedOffsets.put(variable, (long) staticShared);
                staticShared += (int) variable.bytes();
            }
        }
        // All extern arrays begin where the variables of known size end.
        for (Variable variable : open) {
            sharedOffsets.put(variable, (long) align(staticShared, sharedAlign));
        }
    }

    private static int align(int offset, int to) {
        return (offset + to - 1) / to * to;
    }

    public String name() {
        return code.name;
    }

    public PtxModule module() {
        return module;
    }

    public List<Parameter> parameters() {
        return List.copyOf(parameters);
    }

    /** Size of the packed parameter block. */
    public int parameterBytes() {
        return parameterBytes;
    }

    /** Bytes of shared memory whose size the kernel fixes. */
    public int staticSharedBytes() {
        return staticShared;
    }

    /** Bytes of local memory that each thread needs, callees apart. */
    public int localBytes() {
        return code.frameBytes;
    }

    /** Threads that a block may have: 1024, or what {@code __launch_bounds__} says. */
    public int maxThreads() {
        return code.maxThreads;
    }

    /** Instructions of the kernel, callees apart. */
    public int instructionCount() {
        return code.instructions.length;
    }

    /**
     * Registers of a thread by PTX type ({@code b32}, {@code f32}, {@code pred}, ...), callees apart. They are virtual:
     * the driver's assembler maps them to fewer of the hardware.
     */
    public Map<String, Integer> registers() {
        return Collections.unmodifiableMap(code.declaredRegisters);
    }

    /** Bytes of shared memory of a launch. */
    int sharedBytes(int dynamic) {
        return dynamic == 0 ? staticShared : align(staticShared, sharedAlign) + dynamic;
    }

    Map<Variable, Long> sharedOffsets() {
        return sharedOffsets;
    }

    @Override
    public String toString() {
        return name();
    }
}
