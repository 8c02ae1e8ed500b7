package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;
import java.util.List;
import java.util.Set;

/**
 * mma.sync on f16, bf16, tf32, f64 and bytes, and ldmatrix. Products are exact; their sum over k, and the accumulator,
 * are added in double and rounded once: PTX leaves order and precision open, GPUs are less exact. Integers are exact.
 */
final class TensorCore {
    private TensorCore() {}

    /** The registers of a vector, each with elements of {@code type}. */
    static int[] slots(Decoding x, int operand, int count, ScalarType type, boolean target) {
        ScalarType register = type == ScalarType.F64 ? ScalarType.F64 : type == ScalarType.F32 ? type : ScalarType.B32;
        List<Operand> parts = x.operand(operand).items();
        if (!x.operand(operand).is(Operand.Kind.VECTOR) || parts.size() != count) {
            throw x.fault("operand %d is no vector of %d", operand + 1, count);
        }
        return parts.stream()
                .mapToInt(p -> target
                        ? x.destination(p, register)
                        : register.bits == 64 ? x.longSource(p, register) : x.intSource(p, register))
                .toArray();
    }

    /** The types of the elements of a product, and what its sums are kept in. */
    record Types(ScalarType result, ScalarType a, ScalarType b, ScalarType sums) {
        private static final Set<ScalarType> BYTES = Set.of(ScalarType.S8, ScalarType.U8);

        /** Whether a product of this kind exists. */
        boolean known() {
            return switch (a) {
                case F16 -> b == a && real(result) && real(sums);
                case BF16, TF32 -> b == a && result == ScalarType.F32 && sums == ScalarType.F32;
                case F64 -> b == a && result == a && sums == a;
                case S8, U8 -> BYTES.contains(b) && result == ScalarType.S32 && sums == ScalarType.S32;
                default -> false;
            };
        }

        private static boolean real(ScalarType type) {
            return type == ScalarType.F16 || type == ScalarType.F32;
        }

        int perRegister() {
            return a == ScalarType.F64 ? 1 : 32 / a.bits;
        }
    }

    /** d = a b + c, all row-major, a of m x k; every sum in double and rounded once. */
    record Product(int m, int n, int k, Types types, boolean saturate) {
        void run(long[] d, double[] a, double[] b, double[] c) {
            boolean fused = types.a == ScalarType.F64;
            for (int row = 0; row < m; row++) {
                for (int col = 0; col < n; col++) {
                    double sum = c[row * n + col];
                    for (int i = 0; i < k; i++) {
                        double p = a[row * k + i];
                        double q = b[i * n + col];
                        sum = fused ? Math.fma(p, q, sum) : sum + p * q;
                    }
                    d[row * n + col] = encode(types.result, sum, saturate);
                }
            }
        }
    }

    static double decode(ScalarType type, long bits) {
        return switch (type) {
            case F64 -> Double.longBitsToDouble(bits);
            case F32 -> Float.intBitsToFloat((int) bits);
            case TF32 -> Float.intBitsToFloat((int) bits & ~0x1fff);
            case S32 -> (int) bits;
            case S8 -> (byte) bits;
            case U8 -> bits & 255;
            default -> SmallFloat.of(type).decode((int) bits & 0xffff);
        };
    }

    /** For integers the sum is exact, and wraps unless it saturates. */
    private static long encode(ScalarType type, double sum, boolean saturate) {
        return switch (type) {
            case F64 -> Double.doubleToRawLongBits(sum);
            case F32 -> FloatMath.bits((float) sum);
            case S32 -> saturate ? (int) sum : (int) (long) sum;
            default -> SmallFloat.of(type).encode(sum);
        };
    }

    static Action mma(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.TENSOR;
        boolean usual = m.take("sync") & m.take("aligned");
        String shape = m.oneOf(
                "m16n8k16", "m16n8k8", "m16n8k4", "m16n8k32", "m8n8k16", "m8n8k4");
        boolean layout = m.take("row") & m.take("col");
        boolean saturate = m.take("satfinite");
        m.take("rn");
        if (!usual || shape == null || !layout) {
            throw m.unsupported();
        }
        Types types = new Types(m.type(), m.type(), m.type(), m.type());
        int rows = shape.startsWith("m16") ? 16 : 8;
        int depth = Integer.parseInt(shape.substring(shape.indexOf('k') + 1));
        int perRegister = types.perRegister();
        // A lane holds at least one register of a row: 4 lanes share it.
        boolean fits = depth % (4 * perRegister) == 0 && depth / (4 * perRegister) <= (types.a == ScalarType.F64 ? 4 : 2);
        if (!types.known() || !fits || rows == 8 && types.a.bits < 64 && types.a.bits != 8) {
            throw new PtxException(x.statement.line(), "unsupported: %s", x.statement.opcode());
        }
        x.expectOperands(4);
        int strips = rows / 8;
        int[] a = slots(x, 1, strips * depth / 4 / perRegister, types.a, false);
        int[] b = slots(x, 2, depth / 4 / perRegister, types.a, false);
        int inResult = types.result == ScalarType.F16 ? 2 : 1;
        int inSums = types.sums == ScalarType.F16 ? 2 : 1;
        int[] d = slots(x, 0, 2 * strips / inResult, types.result, true);
        int[] c = slots(x, 3, 2 * strips / inSums, types.sums, false);
        double[] left = new double[rows * depth];
        double[] right = new double[8 * depth];
        double[] sums = new double[rows * 8];
        long[] results = new long[rows * 8];
        Product product = new Product(rows, 8, depth, types, saturate);
        return (f, mask) -> {
            requireFull(f, mask);
            // Fragments: a register holds adjacent k; registers go by rows of 8 first, then along k.
            for (int lane = 0; lane < 32; lane++) {
                int group = lane >> 2;
                int inGroup = lane & 3;
                for (int e = 0; e < a.length * perRegister; e++) {
                    int register = e / perRegister;
                    int row = group + 8 * (register % strips);
                    int col = (register / strips * 4 + inGroup) * perRegister + e % perRegister;
                    left[row * depth + col] = element(f, types.a, a[register], lane, e % perRegister);
                }
                for (int e = 0; e < b.length * perRegister; e++) {
                    int register = e / perRegister;
                    int row = (register * 4 + inGroup) * perRegister + e % perRegister;
                    right[row * 8 + group] = element(f, types.b, b[register], lane, e % perRegister);
                }
                for (int e = 0; e < 2 * strips; e++) {
                    int at = (group + 8 * (e >> 1)) * 8 + 2 * inGroup + (e & 1);
                    sums[at] = element(f, types.sums, c[e / inSums], lane, e % inSums);
                }
            }
            product.run(results, left, right, sums);
            for (int lane = 0; lane < 32; lane++) {
                for (int e = 0; e < 2 * strips; e++) {
                    int at = ((lane >> 2) + 8 * (e >> 1)) * 8 + 2 * (lane & 3) + (e & 1);
                    put(f, types.result, d[e / inResult], lane, e % inResult, results[at]);
                }
            }
        };
    }

    /** The element at {@code index} of those that share a register. */
    static double element(Frame f, ScalarType type, int slot, int lane, int index) {
        return type == ScalarType.F64
                ? Double.longBitsToDouble(f.d[slot + lane])
                : decode(type, f.r[slot + lane] >>> index * type.bits);
    }

    /** Writes an element; those of one register come in order. */
    static void put(Frame f, ScalarType type, int slot, int lane, int index, long bits) {
        if (type == ScalarType.F64) {
            f.d[slot + lane] = bits;
        } else if (index == 0) {
            f.r[slot + lane] = (int) bits;
        } else {
            int low = f.r[slot + lane] & (1 << index * type.bits) - 1;
            f.r[slot + lane] = low | (int) bits << index * type.bits;
        }
    }

    static void requireFull(Frame f, int mask) {
        if (mask != -1) {
            throw f.warp.fault(
                    KernelFault.Kind.DIVERGED_WARP,
                    Integer.numberOfTrailingZeros(mask),
                    "needs all 32 lanes, %d execute it",
                    Integer.bitCount(mask));
        }
    }

    /** Lane i gives the address of row i mod 8 of matrix i / 8, and gets two elements of each matrix. */
    static Action ldmatrix(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.SHARED_MEMORY;
        boolean usual = m.take("sync") & m.take("aligned") & m.take("m8n8");
        String number = m.oneOf("x1", "x2", "x4");
        boolean transposed = m.take("trans");
        boolean shared = m.take("shared") || m.take("shared::cta");
        if (!usual || number == null || !shared || m.type() != ScalarType.B16) {
            throw m.unsupported();
        }
        int count = number.charAt(1) - '0';
        x.expectOperands(2);
        int[] to = slots(x, 0, count, ScalarType.B32, true);
        Address address = x.address(1);
        return (f, mask) -> {
            requireFull(f, mask);
            f.warp.time++;
            long[] rows = f.warp.addresses;
            int used = count == 4 ? -1 : (1 << 8 * count) - 1;
            for (int lane = 0; lane < 8 * count; lane++) {
                rows[lane] = address.of(f, lane);
            }
            MemoryChecks.shared(f, used, 16, Access.READ);
            Region region = f.warp.block.shared.region;
            for (int k = 0; k < count; k++) {
                for (int lane = 0; lane < 32; lane++) {
                    f.r[to[k] + lane] = transposed
                            ? half(region, rows, k, 2 * (lane & 3), lane >> 2)
                                    | half(region, rows, k, 2 * (lane & 3) + 1, lane >> 2) << 16
                            : half(region, rows, k, lane >> 2, 2 * (lane & 3))
                                    | half(region, rows, k, lane >> 2, 2 * (lane & 3) + 1) << 16;
                }
            }
            Traffic.shared(f, used, 16);
        };
    }

    private static int half(Region region, long[] rows, int matrix, int row, int col) {
        return (int) region.load(rows[8 * matrix + row] + 2 * col, 2);
    }
}
