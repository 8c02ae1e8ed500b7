package io.culvert.emulator.ptx;

/**
 * vadd, vsub, vabsdiff, vmin, vmax and vset on four bytes (the opcode ends in 4) or two halves (2) of 32-bit
 * registers. With .add the elements are summed, and operand c with
 * them; else it is not read.
 */
final class VideoArithmetic {
    private interface Element {
        long apply(long a, long b);
    }

    private VideoArithmetic() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        int lanes = m.base.charAt(m.base.length() - 1) - '0';
        String operation = m.base.substring(0, m.base.length() - 1);
        boolean set = operation.equals("vset");
        boolean signedResult = !set && m.type() == ScalarType.S32;
        boolean signedA = m.type() == ScalarType.S32;
        boolean signedB = m.type() == ScalarType.S32;
        String compare = set ? m.oneOf("eq", "ne", "lt", "le", "gt", "ge") : null;
        boolean saturate = m.take("sat");
        boolean add = m.take("add");
        if (lanes != 2 && lanes != 4 || set && compare == null) {
            throw m.unsupported();
        }
        x.expectOperands(4);
        for (int i = 1; i < 3; i++) {
            // A selector of elements is written as a component of the register.
            if (x.operand(i).text().contains(".")) {
                throw x.unsupported("operand '%s'", x.operand(i).text());
            }
        }
        Element element = set ? compare(compare) : element(m, operation);
        int bits = 32 / lanes;
        long least = signedResult ? -1L << bits - 1 : 0;
        long most = signedResult ? (1L << bits - 1) - 1 : (1L << bits) - 1;
        return IntLoops.ternary(
                x.destination(0, ScalarType.B32),
                x.intSource(1, ScalarType.B32),
                x.intSource(2, ScalarType.B32),
                x.intSource(3, ScalarType.B32),
                (a, b, c) -> {
                    int packed = 0;
                    long sum = c;
                    for (int k = 0; k < lanes; k++) {
                        long p = Logic.extract(a, k * bits, bits, signedA);
                        long q = Logic.extract(b, k * bits, bits, signedB);
                        long value = element.apply(p, q);
                        value = saturate ? Math.clamp(value, least, most) : value;
                        long kept = signedResult ? value << 64 - bits >> 64 - bits : value & (1L << bits) - 1;
                        sum += kept;
                        packed |= (int) ((kept & (1L << bits) - 1) << k * bits);
                    }
                    return add ? (int) sum : packed;
                });
    }

    private static Element element(Modifiers m, String operation) {
        return switch (operation) {
            case "vadd" -> Long::sum;
            case "vsub" -> (a, b) -> a - b;
            case "vabsdiff" -> (a, b) -> Math.abs(a - b);
            case "vmin" -> Math::min;
            case "vmax" -> Math::max;
            default -> throw m.unsupported();
        };
    }

    private static Element compare(String name) {
        return switch (name) {
            case "eq" -> (a, b) -> a == b ? 1 : 0;
            case "ne" -> (a, b) -> a != b ? 1 : 0;
            case "lt" -> (a, b) -> a < b ? 1 : 0;
            case "le" -> (a, b) -> a <= b ? 1 : 0;
            case "gt" -> (a, b) -> a > b ? 1 : 0;
            default -> (a, b) -> a >= b ? 1 : 0;
        };
    }
}
