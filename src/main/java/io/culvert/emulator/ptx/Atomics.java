package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;
import java.util.List;
import java.util.function.LongBinaryOperator;

/** atom and red. The lanes of a warp take their turns in the order of the launch. */
final class Atomics {
    private Atomics() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.ATOMIC;
        boolean returns = m.base.equals("atom");
        m.oneOf("relaxed", "acquire", "release", "acq_rel");
        m.oneOf("cta", "gpu", "sys", "cluster");
        Space space = Space.of(m);
        if (space == Space.LOCAL || space == Space.CONSTANT) {
            throw m.unsupported();
        }
        String vector = m.oneOf("v2", "v4", "v8");
        String operation = m.next();
        vector = vector == null ? m.oneOf("v2", "v4", "v8") : vector;
        m.take("noftz");
        ScalarType type = m.type();
        if (vector != null) {
            return vector(x, space, operation, vector.charAt(1) - '0', type);
        }
        boolean swap = operation.equals("cas");
        int first = returns ? 1 : 0;
        x.expectOperands(first + (swap ? 3 : 2));
        LongBinaryOperator operator = swap ? null : operator(m, operation, type);
        boolean wide = type.bits == 64;
        int to = returns ? x.destination(0, type) : -1;
        Address address = x.address(first);
        int b = x.source(first + 1, type);
        int c = swap ? x.source(first + 2, type) : b;
        long keep = -1L >>> 64 - type.bits;
        return new LaneAccess(space, address, type.bytes(), Access.ATOMIC) {
            @Override
            void move(Frame f, int mask, Region region, long[] addresses, long base) {
                boolean ascending = f.warp.block.context.order.takenFirst();
                for (int left = mask; left != 0; ) {
                    int lane =
                            ascending ? Integer.numberOfTrailingZeros(left) : 31 - Integer.numberOfLeadingZeros(left);
                    left &= ~(1 << lane);
                    update(f, lane, region, addresses[lane] - base);
                }
            }

            private void update(Frame f, int lane, Region region, long offset) {
                long old = region.load(offset, bytes);
                long value = (wide ? f.d[b + lane] : f.r[b + lane]) & keep;
                long other = (wide ? f.d[c + lane] : f.r[c + lane]) & keep;
                long result = swap ? old == value ? other : old : operator.applyAsLong(old, value);
                region.store(offset, bytes, result);
                f.warp.polled = true;
                f.warp.stored |= result != old;
                f.warp.block.shared.synchronise(f, lane, region.base + offset);
                if (to >= 0 && wide) {
                    f.d[to + lane] = old;
                } else if (to >= 0) {
                    f.r[to + lane] = (int) old;
                }
            }
        };
    }

    /** atom and red of several adjacent values, each atomic by itself. */
    private static Action vector(Decoding x, Space space, String operation, int count, ScalarType type) {
        boolean returns = x.modifiers.base.equals("atom");
        int first = returns ? 1 : 0;
        x.expectOperands(first + 2);
        LongBinaryOperator operator = operator(x.modifiers, operation, type);
        List<Operand> targets = returns ? x.operand(0).items() : List.of();
        List<Operand> parts = x.operand(first + 1).items();
        if (parts.size() != count || returns && targets.size() != count || type.bits == 64) {
            throw x.unsupported("%d values of this type", parts.size());
        }
        int[] to = targets.stream().mapToInt(part -> x.destination(part, type)).toArray();
        int[] from = parts.stream().mapToInt(part -> x.intSource(part, type)).toArray();
        long keep = -1L >>> 64 - type.bits;
        int size = type.bytes();
        return new LaneAccess(space, x.address(first), size * count, Access.ATOMIC) {
            @Override
            void move(Frame f, int mask, Region region, long[] addresses, long base) {
                for (int left = mask; left != 0; left &= left - 1) {
                    int lane = Integer.numberOfTrailingZeros(left);
                    for (int k = 0; k < count; k++) {
                        long offset = addresses[lane] - base + k * size;
                        long old = region.load(offset, size);
                        region.store(offset, size, operator.applyAsLong(old, f.r[from[k] + lane] & keep));
                        if (returns) {
                            f.r[to[k] + lane] = (int) old;
                        }
                    }
                }
            }
        };
    }

    /** On zero-extended bits. */
    private static LongBinaryOperator operator(Modifiers m, String operation, ScalarType type) {
        int unused = 64 - type.bits;
        boolean signed = type.signed();
        // Shifting the sign to the top keeps signed values in order.
        LongBinaryOperator compare =
                signed ? (a, b) -> Long.compare(a << unused, b << unused) : (a, b) -> Long.compareUnsigned(a, b);
        if (type.real() || type.packed()) {
            if (operation.equals("add")) {
                return sum(m, type);
            }
            boolean half = type != ScalarType.F32 && type != ScalarType.F64 && type != ScalarType.TF32;
            if (half && (operation.equals("min") || operation.equals("max"))) {
                boolean smaller = operation.equals("min");
                SmallFloat format = SmallFloat.of(type);
                return (a, b) -> {
                    long low = HalfArithmetic.choose(format, (int) a & 0xffff, (int) b & 0xffff, false, smaller);
                    return type.packed()
                            ? low
                                    | (long) HalfArithmetic.choose(
                                                    format, (int) a >>> 16, (int) b >>> 16, false, smaller)
                                            << 16
                            : low;
                };
            }
            throw m.unsupported();
        }
        return switch (operation) {
            case "add" -> (a, b) -> a + b;
            case "min" -> (a, b) -> compare.applyAsLong(a, b) < 0 ? a : b;
            case "max" -> (a, b) -> compare.applyAsLong(a, b) > 0 ? a : b;
            case "and" -> (a, b) -> a & b;
            case "or" -> (a, b) -> a | b;
            case "xor" -> (a, b) -> a ^ b;
            case "exch" -> (a, b) -> b;
            case "inc" -> (a, b) -> Long.compareUnsigned(a, b) >= 0 ? 0 : a + 1;
            case "dec" -> (a, b) -> a == 0 || Long.compareUnsigned(a, b) > 0 ? b : a - 1;
            default -> throw m.unsupported();
        };
    }

    private static LongBinaryOperator sum(Modifiers m, ScalarType type) {
        return switch (type) {
            case F32 ->
                (a, b) -> FloatMath.bits(Float.intBitsToFloat((int) a) + Float.intBitsToFloat((int) b)) & 0xffffffffL;
            case F64 -> (a, b) -> Double.doubleToRawLongBits(Double.longBitsToDouble(a) + Double.longBitsToDouble(b));
            case F16, BF16 -> (a, b) -> HalfArithmetic.add(SmallFloat.of(type), (int) a, (int) b);
            case F16X2, BF16X2 ->
                (a, b) -> {
                    SmallFloat format = SmallFloat.of(type);
                    int low = HalfArithmetic.add(format, (int) a & 0xffff, (int) b & 0xffff);
                    int high = HalfArithmetic.add(format, (int) a >>> 16, (int) b >>> 16);
                    return (long) high << 16 | low;
                };
            default -> throw m.unsupported();
        };
    }
}
