package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * wmma.load, wmma.store and wmma.mma. PTX leaves open which lane holds what of a fragment; here lane i has the i-th
 * 32nd of the matrix in row-major order, over again where the fragment has room for more.
 */
final class MatrixFragments {
    private static final Pattern SHAPE = Pattern.compile("\\.m(16|32|8)n(16|8|32)k(16|8|4)\\b");

    /** One of the matrices of a product: rows, columns, type of its elements, and registers of its fragment. */
    private record Fragment(int rows, int cols, ScalarType type, int registers) {
        static Fragment of(Decoding x, char part, Matcher shape, ScalarType type) {
            int m = Integer.parseInt(shape.group(1));
            int n = Integer.parseInt(shape.group(2));
            int k = Integer.parseInt(shape.group(3));
            int rows = part == 'b' ? k : m;
            int cols = part == 'a' ? k : n;
            int bytes = type == ScalarType.TF32 ? 4 : type.bytes();
            int registers = rows * cols * bytes / 32 / (type == ScalarType.F64 ? 8 : 4);
            // Of halves, a and b always fill eight registers.
            boolean halves = type == ScalarType.F16 && (part == 'a' || part == 'b');
            boolean known = switch (type) {
                case F16, BF16, S8, U8 -> m * n == 256 && k == 16;
                case TF32 -> m == 16 && n == 16 && k == 8;
                case F64 -> m == 8 && n == 8 && k == 4;
                case F32 -> m * n == 256 && (k == 16 || k == 8 && m == 16);
                case S32 -> m * n == 256 && k == 16;
                default -> false;
            };
            boolean sums = type == ScalarType.F32 || type == ScalarType.S32;
            boolean either = type == ScalarType.F16 || type == ScalarType.F64;
            if (!known || !either && sums != (part == 'c' || part == 'd')) {
                throw new PtxException(x.statement.line(), "unsupported: %s", x.statement.opcode());
            }
            return new Fragment(rows, cols, type, halves ? 8 : registers);
        }

        int perRegister() {
            return type.bits < 32 ? 32 / type.bits : 1;
        }

        int perLane() {
            return rows * cols / 32;
        }

        int elements() {
            return registers * perRegister();
        }

        /** Element of the matrix that is at {@code slot} of a lane's fragment. */
        int index(int lane, int slot) {
            return lane * perLane() + slot % perLane();
        }

        double[] read(Frame f, int[] slots) {
            double[] matrix = new double[rows * cols];
            for (int lane = 0; lane < 32; lane++) {
                for (int slot = 0; slot < perLane(); slot++) {
                    int register = slots[slot / perRegister()];
                    matrix[index(lane, slot)] =
                            TensorCore.element(f, type, register, lane, slot % perRegister());
                }
            }
            return matrix;
        }
    }

    private MatrixFragments() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.TENSOR;
        String kind = m.oneOf("load", "store", "mma");
        Matcher shape = SHAPE.matcher(x.statement.opcode());
        boolean usual = m.take("sync") & m.take("aligned");
        if (kind == null || !usual || !shape.find() || !m.take(shape.group().substring(1))) {
            throw m.unsupported();
        }
        return kind.equals("mma") ? multiply(x, shape) : move(x, shape, kind.equals("load"));
    }

    private static Action multiply(Decoding x, Matcher shape) {
        Modifiers m = x.modifiers;
        // A fragment holds the matrix whatever its layout in memory was.
        boolean layouts = m.oneOf("row", "col") != null;
        while (m.oneOf("row", "col") != null) {
            continue;
        }
        boolean saturate = m.take("satfinite");
        m.take("rn");
        ScalarType result = m.type();
        ScalarType second = m.type();
        boolean brief = m.peek().isEmpty();
        TensorCore.Types types = brief
                ? new TensorCore.Types(result, ScalarType.F16, ScalarType.F16, second)
                : new TensorCore.Types(result, second, m.type(), m.type());
        if (!layouts || !types.known()) {
            throw new PtxException(x.statement.line(), "unsupported: %s", x.statement.opcode());
        }
        Fragment d = Fragment.of(x, 'd', shape, types.result());
        Fragment a = Fragment.of(x, 'a', shape, types.a());
        Fragment b = Fragment.of(x, 'b', shape, types.b());
        Fragment c = Fragment.of(x, 'c', shape, types.sums());
        x.expectOperands(4);
        int[] to = TensorCore.slots(x, 0, d.registers, d.type, true);
        int[] left = TensorCore.slots(x, 1, a.registers, a.type, false);
        int[] right = TensorCore.slots(x, 2, b.registers, b.type, false);
        int[] sums = TensorCore.slots(x, 3, c.registers, c.type, false);
        long[] results = new long[d.rows * d.cols];
        TensorCore.Product product = new TensorCore.Product(d.rows, d.cols, a.cols, types, saturate);
        return (f, mask) -> {
            TensorCore.requireFull(f, mask);
            product.run(results, a.read(f, left), b.read(f, right), c.read(f, sums));
            for (int lane = 0; lane < 32; lane++) {
                for (int slot = 0; slot < d.elements(); slot++) {
                    int register = to[slot / d.perRegister()];
                    TensorCore.put(f, d.type, register, lane, slot % d.perRegister(), results[d.index(lane, slot)]);
                }
            }
        };
    }

    private static Action move(Decoding x, Matcher shape, boolean load) {
        Modifiers m = x.modifiers;
        String part = load ? m.oneOf("a", "b", "c") : m.oneOf("d");
        String layout = m.oneOf("row", "col");
        Space space = Space.of(m);
        ScalarType type = m.type();
        int operands = x.operandCount();
        if (part == null || layout == null || operands < 2 || operands > 3) {
            throw m.unsupported();
        }
        Fragment fragment = Fragment.of(x, part.charAt(0), shape, type);
        boolean byRow = layout.equals("row");
        int[] slots = TensorCore.slots(x, load ? 0 : 1, fragment.registers, type, load);
        Address address = x.address(load ? 1 : 0);
        int usualStride = byRow ? fragment.cols : fragment.rows;
        int stride = operands == 3 ? x.intSource(2, ScalarType.U32) : x.code.intConstant(usualStride);
        Element element = new Element(space, address, fragment, slots, load);
        return (f, mask) -> {
            TensorCore.requireFull(f, mask);
            for (int slot = 0; slot < fragment.perLane(); slot++) {
                for (int lane = 0; lane < 32; lane++) {
                    int index = fragment.index(lane, slot);
                    int row = index / fragment.cols;
                    int col = index % fragment.cols;
                    long leading = f.r[stride + lane] & 0xffffffffL;
                    element.offsets[lane] = element.bytes * (byRow ? row * leading + col : col * leading + row);
                }
                element.slot = slot;
                element.run(f, mask);
            }
            if (load) {
                element.repeat(f);
            }
        };
    }

    /** Moves one element of each lane's fragment. */
    private static final class Element extends LaneAccess {
        private final Fragment fragment;
        private final int[] slots;
        private final boolean load;
        private int slot;

        Element(Space space, Address address, Fragment fragment, int[] slots, boolean load) {
            super(
                    space,
                    address,
                    fragment.type == ScalarType.TF32 ? 4 : fragment.type.bytes(),
                    load ? Access.READ : Access.WRITE);
            this.fragment = fragment;
            this.slots = slots;
            this.load = load;
            offsets = new long[32];
        }

        @Override
        void move(Frame f, int mask, Region region, long[] addresses, long base) {
            int register = slots[slot / fragment.perRegister()];
            int index = slot % fragment.perRegister();
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                long at = addresses[lane] - base;
                if (load) {
                    TensorCore.put(f, fragment.type, register, lane, index, region.load(at, bytes));
                } else {
                    boolean wide = fragment.type == ScalarType.F64;
                    long bits = wide ? f.d[register + lane] : f.r[register + lane] >>> index * fragment.type.bits;
                    region.store(at, bytes, bits);
                }
            }
        }

        /** Fills the room that a fragment has beyond its share of the matrix. */
        private void repeat(Frame f) {
            int own = fragment.perLane() / fragment.perRegister();
            for (int register = own; register < slots.length; register++) {
                System.arraycopy(f.r, slots[register - own], f.r, slots[register], 32);
            }
        }
    }
}
