package io.culvert.emulator.ptx;

import java.math.BigDecimal;
import java.util.function.LongUnaryOperator;

/** cvt: between all integer and floating-point types, and pairs of halves from two floats. */
final class Conversion {
    /** From the bits of the source, zero-extended, to those of the result, extended as its type says. */
    private final ScalarType to;

    private final ScalarType from;
    private final boolean ftz;
    private final boolean sat;
    private final boolean relu;

    /** Null if the instruction has none. */
    private final Rounding rounding;

    private final boolean toInteger;

    private Conversion(Modifiers m) {
        String integer = m.oneOf("rni", "rzi", "rmi", "rpi");
        String real = m.oneOf("rn", "rz", "rm", "rp");
        toInteger = integer != null;
        rounding = toInteger ? Rounding.named(integer) : real != null ? Rounding.named(real) : null;
        ftz = m.take("ftz");
        sat = m.take("sat");
        relu = m.take("relu");
        to = m.type();
        from = m.type();
        m.end();
    }

    static Action decode(Decoding x) {
        x.instructionClass = InstructionClass.CONVERSION;
        if (x.modifiers.take("rna")) {
            return tensorFloat(x);
        }
        Conversion c = new Conversion(x.modifiers);
        if (c.to.packed()) {
            return c.pair(x);
        }
        x.expectOperands(2);
        if (c.relu && c.to != ScalarType.F16 && c.to != ScalarType.BF16
                || c.from.packed()
                || c.from == ScalarType.PRED) {
            throw x.modifiers.unsupported();
        }
        return c.loop(x, c.operator(x));
    }

    private static Action tensorFloat(Decoding x) {
        if (x.modifiers.type() != ScalarType.TF32 || x.modifiers.type() != ScalarType.F32) {
            throw x.modifiers.unsupported();
        }
        // To 10 bits of mantissa, ties away from zero.
        return IntLoops.unary(x.destination(0, ScalarType.B32), x.intSource(1, ScalarType.F32), p -> {
            boolean finite = (p & 0x7f800000) != 0x7f800000;
            return finite ? p + 0x1000 & ~0x1fff : (p & 0x7fffff) != 0 ? FloatMath.NAN : p;
        });
    }

    /** cvt.rn.f16x2.f32 d, a, b: a becomes the upper half. */
    private Action pair(Decoding x) {
        x.expectOperands(3);
        if (from != ScalarType.F32 || rounding == null || toInteger || sat || ftz) {
            throw x.modifiers.unsupported();
        }
        SmallFloat format = SmallFloat.of(to);
        return IntLoops.binary(
                x.destination(0, ScalarType.B32),
                x.intSource(1, ScalarType.F32),
                x.intSource(2, ScalarType.F32),
                (a, b) -> half(format, a) << 16 | half(format, b));
    }

    private int half(SmallFloat format, int single) {
        float value = Float.intBitsToFloat(single);
        return format.encode(relu && value < 0 ? 0 : value, rounding);
    }

    private Action loop(Decoding x, LongUnaryOperator operator) {
        Scope.Register source = x.register(x.operand(1));
        boolean wideFrom = source == null ? from.bits == 64 : source.wide();
        Scope.Register target = x.register(x.operand(0));
        boolean wideTo = target == null ? to.bits == 64 : target.wide();
        ScalarType fileTo = wideTo ? ScalarType.B64 : ScalarType.B32;
        int d = x.destination(0, fileTo);
        int a = wideFrom ? x.longSource(1, from) : x.intSource(1, from);
        long keep = target != null && target.type().bits == 16 ? 0xffff : -1;
        if (from == ScalarType.S32 && to == ScalarType.S64 && !wideFrom) {
            return LongLoops.widen(d, a, p -> p);
        }
        if (from == ScalarType.S32 && to == ScalarType.F32) {
            return IntLoops.unary(d, a, p -> (int) operator.applyAsLong(p & 0xffffffffL));
        }
        if (wideTo) {
            return wideFrom
                    ? LongLoops.unary(d, a, operator)
                    : LongLoops.widen(d, a, p -> operator.applyAsLong(p & 0xffffffffL));
        }
        return wideFrom
                ? IntLoops.narrow(d, a, p -> (int) (operator.applyAsLong(p) & keep))
                : IntLoops.unary(d, a, p -> (int) (operator.applyAsLong(p & 0xffffffffL) & keep));
    }

    private LongUnaryOperator operator(Decoding x) {
        if (from.real() && to.real()) {
            boolean sameWidth = from == to;
            if (rounding == null && to.bits < from.bits || !sameWidth && toInteger) {
                throw x.modifiers.unsupported();
            }
            return bits -> encode(realToReal(decode(bits)));
        }
        if (from.real()) {
            if (!toInteger) {
                throw x.modifiers.unsupported();
            }
            return bits -> realToInteger(decode(bits));
        }
        if (to.real()) {
            if (rounding == null || toInteger) {
                throw x.modifiers.unsupported();
            }
            return bits -> integerToReal(integer(bits));
        }
        if (rounding != null) {
            throw x.modifiers.unsupported();
        }
        return sat ? bits -> extend(clamp(integer(bits))) : bits -> extend(integer(bits));
    }

    /** The source's value; a 64-bit unsigned one keeps its bits. */
    private long integer(long bits) {
        int unused = 64 - from.bits;
        return from.signed() ? bits << unused >> unused : bits << unused >>> unused;
    }

    private long extend(long value) {
        int unused = 64 - to.bits;
        return to.signed() ? value << unused >> unused : value << unused >>> unused;
    }

    private long clamp(long value) {
        if (to.bits == 64) {
            boolean otherSign = value < 0 && from.signed() != to.signed();
            return otherSign ? to.signed() ? Long.MAX_VALUE : 0 : value;
        }
        long most = to.signed() ? (1L << to.bits - 1) - 1 : (1L << to.bits) - 1;
        long least = to.signed() ? -most - 1 : 0;
        return value < 0 && !from.signed() ? most : Math.max(least, Math.min(most, value));
    }

    private double decode(long bits) {
        return switch (from) {
            case F64 -> Double.longBitsToDouble(bits);
            case F32 -> Float.intBitsToFloat(ftz ? FloatMath.flush((int) bits) : (int) bits);
            default -> SmallFloat.of(from).decode((int) bits);
        };
    }

    private double realToReal(double value) {
        double rounded = toInteger ? rounding.toInteger(value) : value;
        if (sat) {
            return rounded > 0 ? Math.min(rounded, 1) : 0;
        }
        return relu && rounded < 0 ? 0 : rounded;
    }

    private long encode(double value) {
        Rounding mode = rounding == null || toInteger ? Rounding.NEAREST_EVEN : rounding;
        switch (to) {
            case F64 -> {
                return Double.doubleToRawLongBits(value);
            }
            case F32 -> {
                float nearest = (float) value;
                boolean inexact = nearest != value && !Double.isNaN(value);
                int bits = FloatMath.bits(inexact ? mode.adjust(nearest, Double.compare(value, nearest)) : nearest);
                return (ftz ? FloatMath.flush(bits) : bits) & 0xffffffffL;
            }
            default -> {
                return SmallFloat.of(to).encode(value, mode);
            }
        }
    }

    /** Clamps to the result's range; NaN gives 0, or the top bit alone where either side has 64 bits. */
    private long realToInteger(double value) {
        if (Double.isNaN(value)) {
            boolean top = from == ScalarType.F64 || to.bits == 64;
            return top ? extend(1L << to.bits - 1) : 0;
        }
        double whole = rounding.toInteger(value);
        if (to == ScalarType.U64) {
            return whole >= 0x1p64
                    ? -1L
                    : whole >= 0x1p63 ? (long) (whole - 0x1p63) + Long.MIN_VALUE : (long) Math.max(whole, 0);
        }
        if (to == ScalarType.S64) {
            return (long) whole;
        }
        double most = Math.scalb(1.0, to.signed() ? to.bits - 1 : to.bits) - 1;
        double least = to.signed() ? -most - 1 : 0;
        return extend((long) Math.max(least, Math.min(most, whole)));
    }

    private long integerToReal(long value) {
        boolean huge = value < 0 && !from.signed();
        boolean small = value >= -(1L << 53) && value <= 1L << 53 && !huge;
        if (small) {
            return encode(sat ? Math.max(0, Math.min(1, value)) : value);
        }
        if (to == ScalarType.F32 && rounding == Rounding.NEAREST_EVEN && !huge && !sat) {
            return Float.floatToRawIntBits((float) value) & 0xffffffffL;
        }
        BigDecimal exact = new BigDecimal(huge ? Long.toUnsignedString(value) : Long.toString(value));
        if (sat) {
            return encode(exact.signum() > 0 ? 1 : 0);
        }
        if (to == ScalarType.F32) {
            float nearest = exact.floatValue();
            return Float.floatToRawIntBits(rounding.adjust(nearest, exact.compareTo(new BigDecimal(nearest))))
                    & 0xffffffffL;
        }
        double nearest = exact.doubleValue();
        int order = exact.compareTo(new BigDecimal(nearest));
        return to == ScalarType.F64 ? Double.doubleToRawLongBits(rounding.adjust(nearest, order)) : encode(nearest);
    }
}
