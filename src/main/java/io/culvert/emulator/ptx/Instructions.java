package io.culvert.emulator.ptx;

/** Sends each opcode to the class that decodes it. */
final class Instructions {
    private Instructions() {}

    static Action decode(Decoding x) {
        return switch (x.modifiers.base) {
            case "mov" -> Moves.mov(x);
            case "selp" -> Moves.selp(x);
            case "slct" -> Moves.slct(x);
            case "cvta" -> Moves.cvta(x);
            case "isspacep" -> Moves.isspacep(x);
            case "add", "sub", "mul", "mad", "fma", "div", "rem", "abs", "neg", "min", "max", "copysign", "testp" ->
                arithmetic(x);
            case "addc", "subc", "madc" -> CarryArithmetic.decode(x);
            case "mul24", "mad24", "sad", "dp4a", "dp2a" -> IntegerArithmetic.decode(x);
            case "rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh" -> SpecialFunctions.decode(x);
            case "and",
                    "or",
                    "xor",
                    "not",
                    "cnot",
                    "shl",
                    "shr",
                    "shf",
                    "bfe",
                    "bfi",
                    "bfind",
                    "brev",
                    "clz",
                    "popc",
                    "prmt",
                    "lop3",
                    "bmsk",
                    "szext" -> Logic.decode(x);
            case "vadd2",
                    "vadd4",
                    "vsub2",
                    "vsub4",
                    "vabsdiff2",
                    "vabsdiff4",
                    "vmin2",
                    "vmin4",
                    "vmax2",
                    "vmax4",
                    "vset2",
                    "vset4" -> VideoArithmetic.decode(x);
            case "fns" -> Logic.findNth(x);
            case "elect" -> WarpExchange.elect(x);
            case "setp" -> Comparison.setp(x);
            case "set" -> Comparison.set(x);
            case "cvt" -> Conversion.decode(x);
            case "ld", "ldu" -> MemoryAccess.load(x);
            case "st" -> MemoryAccess.store(x);
            case "prefetch", "prefetchu" -> nothing(x, InstructionClass.CONTROL);
            case "membar", "fence" -> nothing(x, InstructionClass.BARRIER);
            case "nanosleep", "pmevent" -> nothing(x, InstructionClass.CONTROL);
            case "atom", "red" -> Atomics.decode(x);
            case "shfl" -> WarpExchange.shuffle(x);
            case "vote" -> WarpExchange.vote(x);
            case "match" -> WarpExchange.match(x);
            case "redux" -> WarpExchange.reduce(x);
            case "activemask" -> WarpExchange.activemask(x);
            case "bar", "barrier" -> WarpExchange.barrier(x);
            case "mma" -> TensorCore.mma(x);
            case "wmma" -> MatrixFragments.decode(x);
            case "ldmatrix" -> TensorCore.ldmatrix(x);
            case "cp" -> AsyncCopy.decode(x);
            case "trap", "brkpt" -> trap(x);
            default -> throw new PtxException(x.statement.line(), "unsupported: %s", x.statement.opcode());
        };
    }

    private static Action arithmetic(Decoding x) {
        String[] parts = x.statement.opcode().split("\\.");
        String last = parts[parts.length - 1];
        // max.s32.relu is the one form whose type is not at the end.
        ScalarType type = ScalarType.named(last.equals("relu") ? parts[parts.length - 2] : last);
        if (type == null) {
            throw x.modifiers.unsupported();
        }
        if (x.statement.opcode().contains(".cc.")) {
            return CarryArithmetic.decode(x);
        }
        if (type == ScalarType.F32) {
            return FloatArithmetic.decode(x);
        }
        if (type == ScalarType.F64) {
            return DoubleArithmetic.decode(x);
        }
        if (type.integerPair() || x.statement.opcode().endsWith(".relu")) {
            return IntegerArithmetic.decode(x);
        }
        return type.real() || type.packed() ? HalfArithmetic.decode(x) : IntegerArithmetic.decode(x);
    }

    /** Instructions that only order or hint: this interpreter executes in order. */
    private static Action nothing(Decoding x, InstructionClass instructionClass) {
        x.instructionClass = instructionClass;
        while (!x.modifiers.next().isEmpty()) {
            // Scope and cache level make no difference.
            continue;
        }
        return (f, mask) -> {};
    }

    private static Action trap(Decoding x) {
        x.instructionClass = InstructionClass.CONTROL;
        return (f, mask) -> {
            throw f.warp.fault(KernelFault.Kind.TRAP, Integer.numberOfTrailingZeros(mask), "trap");
        };
    }
}
