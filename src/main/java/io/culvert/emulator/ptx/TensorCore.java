package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;
import java.util.List;

/**
 * mma.sync on bf16, f16 and tf32 with f32 sums, and ldmatrix. Products are exact; their sum over k, and the
 * accumulator, are added in double and rounded once: PTX leaves order and precision open, GPUs are less exact.
 */
final class TensorCore {
    private TensorCore() {}

    private static int[] slots(Decoding x, int operand, int count, boolean target) {
        List<Operand> parts = x.operand(operand).items();
        if (!x.operand(operand).is(Operand.Kind.VECTOR) || parts.size() != count) {
            throw x.fault("operand %d is no vector of %d", operand + 1, count);
        }
        return parts.stream()
                .mapToInt(p -> target ? x.destination(p, ScalarType.B32) : x.intSource(p, ScalarType.F32))
                .toArray();
    }

    static Action mma(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.TENSOR;
        boolean usual = m.take("sync") & m.take("aligned");
        String shape = m.oneOf("m16n8k16", "m16n8k8", "m16n8k4");
        boolean layout = m.take("row") & m.take("col");
        ScalarType sums = m.type();
        ScalarType type = m.type();
        boolean same = m.type() == type & m.type() == sums;
        boolean half = type == ScalarType.BF16 || type == ScalarType.F16;
        boolean known = half ? !"m16n8k4".equals(shape) : type == ScalarType.TF32 && !"m16n8k16".equals(shape);
        if (!usual || shape == null || !layout || !same || !known || sums != ScalarType.F32) {
            throw new PtxException(x.statement.line(), "unsupported: %s", x.statement.opcode());
        }
        int depth = Integer.parseInt(shape.substring(shape.indexOf('k') + 1));
        int perRegister = half ? 2 : 1;
        x.expectOperands(4);
        int[] d = slots(x, 0, 4, true);
        int[] a = slots(x, 1, 16 * depth / 32 / perRegister, false);
        int[] b = slots(x, 2, 8 * depth / 32 / perRegister, false);
        int[] c = slots(x, 3, 4, false);
        double[] left = new double[16 * depth];
        double[] right = new double[8 * depth];
        return (f, mask) -> {
            requireFull(f, mask);
            // Fragments: a register holds adjacent k; registers go by rows of 8 first, then along k.
            for (int lane = 0; lane < 32; lane++) {
                int group = lane >> 2;
                for (int k = 0; k < a.length * perRegister; k++) {
                    int register = k / perRegister;
                    int row = group + 8 * (register & 1);
                    int col = (register >> 1) * 4 * perRegister + (lane & 3) * perRegister + k % perRegister;
                    left[row * depth + col] = element(type, f.r[a[register] + lane], k % perRegister);
                }
                for (int k = 0; k < b.length * perRegister; k++) {
                    int register = k / perRegister;
                    int row = register * 4 * perRegister + (lane & 3) * perRegister + k % perRegister;
                    right[group * depth + row] = element(type, f.r[b[register] + lane], k % perRegister);
                }
            }
            for (int lane = 0; lane < 32; lane++) {
                for (int e = 0; e < 4; e++) {
                    int row = (lane >> 2) + 8 * (e >> 1);
                    int col = 2 * (lane & 3) + (e & 1);
                    double sum = Float.intBitsToFloat(f.r[c[e] + lane]);
                    for (int k = 0; k < depth; k++) {
                        sum += left[row * depth + k] * right[col * depth + k];
                    }
                    // No lane reads another's accumulator, so d may be c.
                    f.r[d[e] + lane] = FloatMath.bits((float) sum);
                }
            }
        };
    }

    private static double element(ScalarType type, int bits, int half) {
        return type == ScalarType.TF32
                ? Float.intBitsToFloat(bits & ~0x1fff)
                : SmallFloat.of(type).decode(half == 0 ? bits : bits >>> 16);
    }

    private static void requireFull(Frame f, int mask) {
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
        int[] to = slots(x, 0, count, true);
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
