package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;
import java.util.List;

/** ld and st, of one value or a vector of two or four. */
final class MemoryAccess {
    private static final String[] ORDER = {"weak", "volatile", "relaxed", "acquire", "release"};
    private static final String[] SCOPE = {"cta", "gpu", "sys", "cluster"};
    private static final String[] CACHE = {
        "ca",
        "cg",
        "cs",
        "lu",
        "cv",
        "wb",
        "wt",
        "nc",
        "L1::evict_normal",
        "L1::evict_unchanged",
        "L1::evict_first",
        "L1::evict_last",
        "L1::no_allocate",
        "L2::64B",
        "L2::128B",
        "L2::256B"
    };

    private MemoryAccess() {}

    static Action load(Decoding x) {
        return decode(x, true);
    }

    static Action store(Decoding x) {
        return decode(x, false);
    }

    private static Action decode(Decoding x, boolean load) {
        Modifiers m = x.modifiers;
        String order = m.oneOf(ORDER);
        m.oneOf(SCOPE);
        String param = m.oneOf("param", "param::entry", "param::func");
        Space space = param != null ? Space.LOCAL : Space.of(m);
        while (m.oneOf(CACHE) != null) {
            // Hints to the caches do not change what is loaded.
            continue;
        }
        String vector = m.oneOf("v2", "v4");
        ScalarType type = m.type();
        x.expectOperands(2);
        int count = vector == null ? 1 : vector.equals("v2") ? 2 : 4;
        Operand data = x.operand(load ? 0 : 1);
        Address address = x.address(load ? 1 : 0);
        List<Operand> parts = data.is(Operand.Kind.VECTOR) ? data.items() : List.of(data);
        if (parts.size() != count || type.bytes() * count > 16) {
            throw x.fault("expected %d values of at most 16 bytes in all", count);
        }
        if (param != null && x.code.entry && (address.kernelParameter() || !isFrameVariable(x, load ? 1 : 0))) {
            space = Space.KERNEL_PARAMETER;
        }
        x.instructionClass = switch (space) {
            case SHARED -> InstructionClass.SHARED_MEMORY;
            case LOCAL -> InstructionClass.LOCAL_MEMORY;
            case KERNEL_PARAMETER, CONSTANT -> InstructionClass.CONSTANT_MEMORY;
            default -> InstructionClass.GLOBAL_MEMORY;
        };
        boolean polls = order != null && !order.equals("weak");
        return load ? new Load(x, space, address, type, parts, polls) : new Store(x, space, address, type, parts);
    }

    private static boolean isFrameVariable(Decoding x, int operand) {
        return x.frameVariable(x.operand(operand).text()) != null;
    }

    private static final class Load extends LaneAccess {
        private final int size;
        private final int[] to;
        private final boolean wide;
        private final int unused;
        private final boolean signed;
        private final int keep;

        /** Whether another thread may be waited for by this load. */
        private final boolean polls;

        Load(Decoding x, Space space, Address address, ScalarType type, List<Operand> parts, boolean polls) {
            super(space, address, type.bytes() * parts.size(), Access.READ);
            size = type.bytes();
            this.polls = polls;
            signed = type.signed();
            unused = 64 - type.bits;
            Scope.Register first = x.register(parts.get(0));
            wide = first == null ? type.bits == 64 : first.wide();
            // A register wider than the type gets the value extended, a 16-bit one no more than its bits.
            keep = first != null && first.type().bits == 16 ? 0xffff : -1;
            ScalarType file = wide ? ScalarType.B64 : ScalarType.B32;
            to = parts.stream().mapToInt(part -> x.destination(part, file)).toArray();
            if (!wide && type.bits == 64) {
                throw x.fault("64 bits do not fit the register");
            }
        }

        @Override
        void move(Frame f, int mask, Region region, long[] addresses, long base) {
            f.warp.polled |= polls;
            if (size == 4 && to.length == 1 && !wide) {
                int[] r = f.r;
                int target = to[0];
                for (int left = mask; left != 0; left &= left - 1) {
                    int lane = Integer.numberOfTrailingZeros(left);
                    r[target + lane] = region.loadInt(addresses[lane] - base) & keep;
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                move(f, lane, region, addresses[lane] - base);
            }
        }

        private void move(Frame f, int lane, Region region, long offset) {
            for (int k = 0; k < to.length; k++) {
                long value = region.load(offset + k * size, size);
                if (signed) {
                    value = value << unused >> unused;
                }
                if (wide) {
                    f.d[to[k] + lane] = value;
                } else {
                    f.r[to[k] + lane] = (int) value & keep;
                }
            }
        }
    }

    private static final class Store extends LaneAccess {
        private final int size;
        private final int[] from;
        private final boolean wide;

        Store(Decoding x, Space space, Address address, ScalarType type, List<Operand> parts) {
            super(space, address, type.bytes() * parts.size(), Access.WRITE);
            size = type.bytes();
            Scope.Register first = x.register(parts.get(0));
            boolean wideFirst = first == null ? type.bits == 64 : first.wide();
            wide = wideFirst;
            from = parts.stream()
                    .mapToInt(part -> wideFirst ? x.longSource(part, type) : x.intSource(part, type))
                    .toArray();
            if (!wide && type.bits == 64) {
                throw x.fault("the register has fewer than 64 bits");
            }
        }

        @Override
        void move(Frame f, int mask, Region region, long[] addresses, long base) {
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                long offset = addresses[lane] - base;
                for (int k = 0; k < from.length; k++) {
                    region.store(offset + k * size, size, wide ? f.d[from[k] + lane] : f.r[from[k] + lane]);
                }
            }
        }
    }
}
