package io.culvert.emulator.ptx;

import java.util.List;

/** mov, selp, slct, cvta, isspacep. */
final class Moves {
    /** These bits of a generic address say that the rest is an offset in shared or local memory. */
    static final long SHARED_WINDOW = 1L << 56;

    static final long LOCAL_WINDOW = 2L << 56;
    static final long PARAM_WINDOW = 3L << 56;
    static final long WINDOW = 0xffL << 56;

    private Moves() {}

    static Action mov(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(2);
        if (x.operand(0).is(Operand.Kind.VECTOR)) {
            return unpack(x, type);
        }
        if (x.operand(1).is(Operand.Kind.VECTOR)) {
            return pack(x, type);
        }
        if (type == ScalarType.PRED) {
            return Logic.predicates(x.predicate(x.operand(0)), x.predicate(x.operand(1)), 0, (a, b) -> a);
        }
        String source = x.operand(1).text();
        if (type.bits == 64 && SpecialRegisters.isKnown(source)) {
            return LongLoops.widen(x.destination(0, type), x.intSource(1, ScalarType.U32), a -> a & 0xffffffffL);
        }
        if (List.of("%clock", "%clock_hi", "%globaltimer_lo", "%globaltimer_hi").contains(source)) {
            int to = x.destination(0, type);
            boolean high = source.endsWith("hi");
            return (f, mask) -> fillInts(f, to, mask, (int) (high ? f.warp.issued >>> 32 : f.warp.issued));
        }
        if (source.equals("%clock64") || source.equals("%globaltimer")) {
            int to = x.destination(0, type);
            return (f, mask) -> {
                for (int left = mask; left != 0; left &= left - 1) {
                    f.d[to + Integer.numberOfTrailingZeros(left)] = f.warp.issued;
                }
            };
        }
        int to = x.destination(0, type);
        if (type.bits == 64) {
            return LongLoops.unary(to, x.longSource(1, type), a -> a);
        }
        if (source.equals("%reserved_smem_offset_1") && type.bits == 32) {
            return IntLoops.narrow(to, x.longSource(Operand.name(PtxModule.RESERVED_SHARED, 0), type), a -> (int) a);
        }
        boolean symbol = x.operand(1).is(Operand.Kind.NAME)
                && x.register(x.operand(1)) == null
                && !SpecialRegisters.isKnown(source);
        if (symbol) {
            // The address of a shared variable fits in 32 bits.
            return IntLoops.narrow(to, x.longSource(1, ScalarType.U64), a -> (int) a);
        }
        return IntLoops.unary(to, x.intSource(1, type), a -> a);
    }

    private static void fillInts(Frame f, int to, int mask, int value) {
        for (int left = mask; left != 0; left &= left - 1) {
            f.r[to + Integer.numberOfTrailingZeros(left)] = value;
        }
    }

    /** {@code mov.b64 {lo, hi}, d}: the first part holds the lowest bits. */
    private static Action unpack(Decoding x, ScalarType type) {
        List<Operand> parts = x.operand(0).items();
        int width = type.bits / parts.size();
        ScalarType part = part(x, width);
        int[] to = parts.stream().mapToInt(p -> x.destination(p, part)).toArray();
        boolean wide = type.bits == 64;
        int from = x.source(1, type);
        long keep = (1L << width) - 1;
        return (f, mask) -> {
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                long value = wide ? f.d[from + i] : f.r[from + i];
                for (int k = 0; k < to.length; k++) {
                    f.r[to[k] + i] = (int) (value >>> k * width & keep);
                }
            }
        };
    }

    private static Action pack(Decoding x, ScalarType type) {
        List<Operand> parts = x.operand(1).items();
        int width = type.bits / parts.size();
        ScalarType part = part(x, width);
        int[] from = parts.stream().mapToInt(p -> x.intSource(p, part)).toArray();
        boolean wide = type.bits == 64;
        int to = x.destination(0, type);
        long keep = (1L << width) - 1;
        return (f, mask) -> {
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                long value = 0;
                for (int k = 0; k < from.length; k++) {
                    value |= (f.r[from[k] + i] & keep) << k * width;
                }
                if (wide) {
                    f.d[to + i] = value;
                } else {
                    f.r[to + i] = (int) value;
                }
            }
        };
    }

    private static ScalarType part(Decoding x, int width) {
        return switch (width) {
            case 32 -> ScalarType.B32;
            case 16 -> ScalarType.B16;
            case 8 -> ScalarType.B8;
            default -> throw x.unsupported("parts of %d bits", width);
        };
    }

    static Action selp(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(4);
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int b = x.source(2, type);
        int p = x.predicate(x.operand(3));
        if (type.bits == 64) {
            return (f, mask) -> {
                long[] d = f.d;
                int chosen = f.p[p];
                for (int left = mask; left != 0; left &= left - 1) {
                    int i = Integer.numberOfTrailingZeros(left);
                    d[to + i] = (chosen >>> i & 1) != 0 ? d[a + i] : d[b + i];
                }
            };
        }
        return (f, mask) -> {
            int[] r = f.r;
            int chosen = f.p[p];
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                r[to + i] = (chosen >>> i & 1) != 0 ? r[a + i] : r[b + i];
            }
        };
    }

    static Action slct(Decoding x) {
        boolean ftz = x.modifiers.take("ftz");
        ScalarType type = x.modifiers.type();
        ScalarType by = x.modifiers.type();
        x.expectOperands(4);
        if (type.bits != 32 || by.bits != 32) {
            throw x.unsupported("these types");
        }
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int b = x.source(2, type);
        int c = x.source(3, by);
        if (by == ScalarType.S32) {
            return IntLoops.ternary(to, a, b, c, (p, q, s) -> s >= 0 ? p : q);
        }
        // A subnormal, flushed, is zero whatever its sign.
        return IntLoops.ternary(
                to, a, b, c, (p, q, s) -> Float.intBitsToFloat(ftz ? FloatMath.flush(s) : s) >= 0 ? p : q);
    }

    /** Between an address in a window and a generic one. Global and constant addresses are generic ones already. */
    static Action cvta(Decoding x) {
        boolean toWindow = x.modifiers.take("to");
        String space = x.modifiers.next();
        ScalarType type = x.modifiers.type();
        x.expectOperands(2);
        long window = switch (space) {
            case "global", "const" -> 0;
            case "shared", "shared::cta" -> SHARED_WINDOW;
            case "local" -> LOCAL_WINDOW;
            case "param", "param::entry" -> PARAM_WINDOW;
            default -> throw x.modifiers.unsupported();
        };
        if (type.bits != 64) {
            throw x.unsupported("32-bit generic addresses");
        }
        int to = x.destination(0, type);
        int from = x.longSource(1, type);
        if (window == 0) {
            return LongLoops.unary(to, from, a -> a);
        }
        return toWindow ? LongLoops.unary(to, from, a -> a - window) : LongLoops.unary(to, from, a -> a + window);
    }

    static Action isspacep(Decoding x) {
        String space = x.modifiers.next();
        long window = switch (space) {
            case "global", "const" -> 0;
            case "shared", "shared::cta" -> SHARED_WINDOW;
            case "local" -> LOCAL_WINDOW;
            case "param", "param::entry" -> PARAM_WINDOW;
            default -> throw x.modifiers.unsupported();
        };
        int address = x.longSource(1, ScalarType.U64);
        return PredicateLoops.longs(x.predicate(x.operand(0)), address, address, (a, b) -> (a & WINDOW) == window);
    }
}
