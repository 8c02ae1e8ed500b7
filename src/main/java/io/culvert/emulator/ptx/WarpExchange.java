package io.culvert.emulator.ptx;

import java.util.function.IntBinaryOperator;

/** shfl, vote, match, redux, activemask, bar.warp.sync: instructions by which lanes of a warp know of each other. */
final class WarpExchange {
    /** What a lane gets from one that does not take part: PTX leaves it open, so make it show. NaN as a float. */
    private static final int NOBODY = 0x7ff7beef;

    private WarpExchange() {}

    /** Faults unless every lane that the member mask names, and that has not ended, executes the instruction now. */
    private static void members(Frame f, int mask, int memberSlot) {
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            int members = f.r[memberSlot + lane];
            if ((members >>> lane & 1) == 0) {
                throw f.warp.fault(
                        KernelFault.Kind.DIVERGED_WARP, lane, "the lane is not in its member mask 0x%08x", members);
            }
            int absent = members & f.warp.live & ~mask;
            if (absent != 0) {
                int other = Integer.numberOfTrailingZeros(absent);
                throw f.warp.fault(
                        KernelFault.Kind.DIVERGED_WARP,
                        lane,
                        "member mask 0x%08x names thread %s, which is elsewhere",
                        members,
                        f.warp.block.threadName(32 * f.warp.index + other));
            }
        }
    }

    /** What lanes with one member mask do together. */
    private interface Group {
        void run(int lanes);
    }

    /** Checks the member masks and takes the lanes by them: groups of a partition may meet in one instruction. */
    private static void eachGroup(Frame f, int mask, int memberSlot, Group group) {
        members(f, mask, memberSlot);
        for (int left = mask; left != 0; ) {
            int members = f.r[memberSlot + Integer.numberOfTrailingZeros(left)];
            int together = 0;
            for (int rest = left; rest != 0; rest &= rest - 1) {
                int lane = Integer.numberOfTrailingZeros(rest);
                together |= f.r[memberSlot + lane] == members ? 1 << lane : 0;
            }
            group.run(together);
            left &= ~together;
        }
    }

    private static void fill(Frame f, int slot, int lanes, int value) {
        for (int left = lanes; left != 0; left &= left - 1) {
            f.r[slot + Integer.numberOfTrailingZeros(left)] = value;
        }
    }

    static Action shuffle(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.WARP_EXCHANGE;
        boolean sync = m.take("sync");
        String mode = m.oneOf("up", "down", "bfly", "idx");
        if (!sync || mode == null || m.type() != ScalarType.B32) {
            throw m.unsupported();
        }
        x.expectOperands(5);
        Operand target = x.operand(0);
        boolean pair = target.is(Operand.Kind.PAIR);
        int to = x.destination(pair ? target.items().get(0) : target, ScalarType.B32);
        int valid = pair ? x.predicate(target.items().get(1)) : -1;
        int a = x.intSource(1, ScalarType.B32);
        int b = x.intSource(2, ScalarType.B32);
        int c = x.intSource(3, ScalarType.B32);
        int members = x.memberMask(4);
        return (f, mask) -> {
            members(f, mask, members);
            int[] r = f.r;
            long[] values = f.warp.values;
            int inRange = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                int from = source(mode, lane, r[b + lane] & 31, r[c + lane]);
                inRange |= from >= 0 ? 1 << lane : 0;
                from = from < 0 ? lane : from;
                values[lane] = (mask >>> from & 1) != 0 ? r[a + from] : NOBODY;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                r[to + lane] = (int) values[lane];
            }
            if (valid >= 0) {
                f.p[valid] = f.p[valid] & ~mask | inRange & mask;
            }
        };
    }

    /** The lane to read, or -1 if it is out of range, as in PTX's pseudocode. */
    private static int source(String mode, int lane, int b, int c) {
        int clamp = c & 31;
        int segment = c >>> 8 & 31;
        int most = lane & segment | clamp & ~segment;
        int least = lane & segment;
        int from;
        boolean valid;
        switch (mode) {
            case "up" -> {
                from = lane - b;
                valid = from >= most;
            }
            case "down" -> {
                from = lane + b;
                valid = from <= most;
            }
            case "bfly" -> {
                from = lane ^ b;
                valid = from <= most;
            }
            default -> {
                from = least | b & ~segment;
                valid = from <= most;
            }
        }
        return valid ? from : -1;
    }

    static Action vote(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.WARP_EXCHANGE;
        boolean sync = m.take("sync");
        String mode = m.oneOf("all", "any", "uni", "ballot");
        if (!sync || mode == null) {
            throw m.unsupported();
        }
        boolean ballot = mode.equals("ballot");
        ScalarType type = m.type();
        x.expectOperands(3);
        int to = ballot ? x.destination(0, type) : x.predicate(x.operand(0));
        int p = x.predicate(x.operand(1));
        boolean negated = x.operand(1).negated();
        int members = x.memberMask(2);
        return (f, mask) -> {
            int held = negated ? ~f.p[p] : f.p[p];
            eachGroup(f, mask, members, taking -> {
                int votes = held & taking;
                if (ballot) {
                    fill(f, to, taking, votes);
                    return;
                }
                boolean holds = switch (mode) {
                    case "all" -> votes == taking;
                    case "any" -> votes != 0;
                    default -> votes == taking || votes == 0;
                };
                f.p[to] = holds ? f.p[to] | taking : f.p[to] & ~taking;
            });
        };
    }

    static Action match(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.WARP_EXCHANGE;
        String mode = m.oneOf("any", "all");
        boolean sync = m.take("sync");
        ScalarType type = m.type();
        if (mode == null || !sync) {
            throw m.unsupported();
        }
        x.expectOperands(3);
        boolean all = mode.equals("all");
        Operand target = x.operand(0);
        boolean pair = target.is(Operand.Kind.PAIR);
        int to = x.destination(pair ? target.items().get(0) : target, ScalarType.B32);
        int same = pair ? x.predicate(target.items().get(1)) : -1;
        boolean wide = type.bits == 64;
        int a = x.source(1, type);
        int members = x.memberMask(2);
        return (f, mask) -> eachGroup(f, mask, members, taking -> {
            for (int left = taking; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                int equal = 0;
                for (int other = taking; other != 0; other &= other - 1) {
                    int k = Integer.numberOfTrailingZeros(other);
                    boolean matches = wide ? f.d[a + k] == f.d[a + lane] : f.r[a + k] == f.r[a + lane];
                    equal |= matches ? 1 << k : 0;
                }
                f.warp.values[lane] = all && equal != taking ? 0 : equal;
            }
            for (int left = taking; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                f.r[to + lane] = (int) f.warp.values[lane];
                if (same >= 0) {
                    f.p[same] = f.p[same] & ~(1 << lane) | (f.warp.values[lane] != 0 ? 1 << lane : 0);
                }
            }
        });
    }

    static Action reduce(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.WARP_EXCHANGE;
        boolean sync = m.take("sync");
        String operation = m.next();
        ScalarType type = m.type();
        if (!sync || type.bits != 32 || type.real()) {
            throw m.unsupported();
        }
        x.expectOperands(3);
        boolean signed = type.signed();
        IntBinaryOperator operator = switch (operation) {
            case "add" -> Integer::sum;
            case "min" -> signed ? Math::min : (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b;
            case "max" -> signed ? Math::max : (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b;
            case "and", "or", "xor" -> Logic.operator(operation);
            default -> throw m.unsupported();
        };
        int to = x.destination(0, type);
        int a = x.intSource(1, type);
        int members = x.memberMask(2);
        return (f, mask) -> eachGroup(f, mask, members, taking -> {
            int lane = Integer.numberOfTrailingZeros(taking);
            int result = f.r[a + lane];
            for (int left = taking & taking - 1; left != 0; left &= left - 1) {
                result = operator.applyAsInt(result, f.r[a + Integer.numberOfTrailingZeros(left)]);
            }
            fill(f, to, taking, result);
        });
    }

    /** elect.sync d|p, members: p holds for the lowest lane of the members alone, d is its number. */
    static Action elect(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.WARP_EXCHANGE;
        x.expectOperands(2);
        if (!m.take("sync") || !x.operand(0).is(Operand.Kind.PAIR)) {
            throw m.unsupported();
        }
        int to = x.destination(x.operand(0).items().get(0), ScalarType.B32);
        int leads = x.predicate(x.operand(0).items().get(1));
        int members = x.memberMask(1);
        return (f, mask) -> eachGroup(f, mask, members, taking -> {
            int leader = Integer.numberOfTrailingZeros(taking);
            fill(f, to, taking, leader);
            f.p[leads] = f.p[leads] & ~taking | 1 << leader;
        });
    }

    static Action activemask(Decoding x) {
        x.instructionClass = InstructionClass.WARP_EXCHANGE;
        int to = x.destination(0, x.modifiers.type());
        x.expectOperands(1);
        return (f, mask) -> fill(f, to, mask, mask);
    }

    /** bar.warp.sync: lanes execute together anyway, so it only checks that all are there. */
    static Action barrier(Decoding x) {
        x.instructionClass = InstructionClass.BARRIER;
        if (!x.modifiers.take("warp") || !x.modifiers.take("sync")) {
            throw x.modifiers.unsupported();
        }
        x.expectOperands(1);
        int members = x.memberMask(0);
        return (f, mask) -> members(f, mask, members);
    }
}
