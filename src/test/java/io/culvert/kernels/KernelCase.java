package io.culvert.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.culvert.emulator.ptx.DeviceMemory;
import io.culvert.emulator.ptx.Dim3;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.Interpreter;
import io.culvert.emulator.ptx.KernelFault;
import io.culvert.emulator.ptx.Launch;
import io.culvert.emulator.ptx.PtxKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;

/**
 * A launch of a shipped kernel on small data, and what plain loops in double precision say that it must write. Arrays
 * that the kernel only reads must come out as they went in; arrays that it writes start unwritten.
 */
final class KernelCase {
    /** What the elements of an array are. */
    enum Type {
        F32(4),
        BF16(2),
        F64(8),
        I32(4),
        U8(1);

        final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }

        String suffix() {
            return this == BF16 ? "bf16" : "f32";
        }

        /** The nearest value that the type holds, ties to even. */
        double round(double value) {
            return switch (this) {
                case F32 -> (float) value;
                case BF16 -> bf16((float) value);
                default -> value;
            };
        }

        double[] round(double[] values) {
            return Arrays.stream(values).map(this::round).toArray();
        }

        /** Normally distributed values that the type holds exactly. */
        double[] normal(long seed, int count) {
            SplittableRandom random = new SplittableRandom(seed);
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
                values[i] = round(random.nextGaussian());
            }
            return values;
        }

        private static double bf16(float value) {
            int bits = Float.floatToRawIntBits(value);
            int rounded = bits + 0x7fff + (bits >>> 16 & 1);
            return Float.intBitsToFloat(rounded & 0xffff0000);
        }

        private MemorySegment encode(double[] values) {
            MemorySegment to = MemorySegment.ofArray(new byte[values.length * bytes]);
            for (int i = 0; i < values.length; i++) {
                switch (this) {
                    case F32 -> to.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, (float) values[i]);
                    case BF16 ->
                        to.set(
                                ValueLayout.JAVA_SHORT_UNALIGNED,
                                2L * i,
                                (short) (Float.floatToRawIntBits((float) values[i]) >>> 16));
                    case F64 -> to.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i, values[i]);
                    case I32 -> to.set(ValueLayout.JAVA_INT_UNALIGNED, 4L * i, (int) values[i]);
                    case U8 -> to.set(JAVA_BYTE, i, (byte) (int) values[i]);
                }
            }
            return to;
        }

        private double[] decode(MemorySegment from, int count) {
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
                values[i] = switch (this) {
                    case F32 -> from.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
                    case BF16 -> Float.intBitsToFloat(from.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i) << 16);
                    case F64 -> from.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i);
                    case I32 -> from.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * i);
                    case U8 -> Byte.toUnsignedInt(from.get(JAVA_BYTE, i));
                };
            }
            return values;
        }
    }

    /**
     * How far an element may be off: {@code relative} to itself plus {@code ofRms} of the array's root mean square.
     * Each element is held to it, so that one wrong element of many is seen.
     */
    record Tolerance(double relative, double ofRms) {
        static final Tolerance EXACT = new Tolerance(0, 0);

        /** Single precision, with sums of some hundred terms. */
        static final Tolerance SINGLE = new Tolerance(2e-6, 2e-6);

        /** Computed in single precision, then rounded once to bf16: half a unit of its 8 bits. */
        static final Tolerance STORED_BF16 = new Tolerance(1.01 / 256, 4e-6);

        static Tolerance of(Type type) {
            return type == Type.BF16 ? STORED_BF16 : SINGLE;
        }
    }

    private sealed interface Argument permits Scalar, Null, Array {}

    private record Scalar(Object value) implements Argument {}

    private record Null() implements Argument {}

    /**
     * @param initial null: nothing has written it
     * @param want null: it must not change
     * @param fold what is compared, made of what the kernel wrote
     */
    private record Array(
            Type type, int count, double[] initial, UnaryOperator<double[]> fold, double[] want, Tolerance tolerance)
            implements Argument {}

    final String module;
    final String kernel;
    private final List<Argument> arguments = new ArrayList<>();
    private Dim3 grid = Dim3.of(1);
    private Dim3 block = Dim3.of(256);
    private int misaligned = -1;

    KernelCase(String module, String kernel) {
        this.module = module;
        this.kernel = kernel;
    }

    KernelCase grid(int x, int y, int z) {
        grid = new Dim3(x, y, z);
        return this;
    }

    KernelCase grid(int x) {
        return grid(x, 1, 1);
    }

    KernelCase block(int x, int y) {
        block = new Dim3(x, y, 1);
        return this;
    }

    KernelCase block(int x) {
        return block(x, 1);
    }

    KernelCase in(Type type, double... values) {
        arguments.add(new Array(type, values.length, values, UnaryOperator.identity(), null, Tolerance.EXACT));
        return this;
    }

    KernelCase none() {
        arguments.add(new Null());
        return this;
    }

    KernelCase out(Type type, double[] want, Tolerance tolerance) {
        return out(type, want.length, UnaryOperator.identity(), want, tolerance);
    }

    KernelCase out(Type type, double[] want) {
        return out(type, want, Tolerance.of(type));
    }

    /** An output of which {@code fold} is compared: sums over parts whose shares nobody needs to know. */
    KernelCase out(Type type, int count, UnaryOperator<double[]> fold, double[] want, Tolerance tolerance) {
        arguments.add(new Array(type, count, null, fold, want, tolerance));
        return this;
    }

    /** An argument that is changed, of which {@code fold} is compared. */
    KernelCase inout(Type type, double[] initial, UnaryOperator<double[]> fold, double[] want) {
        arguments.add(new Array(type, initial.length, initial, fold, want, Tolerance.of(type)));
        return this;
    }

    KernelCase inout(Type type, double[] initial, double[] want, Tolerance tolerance) {
        arguments.add(new Array(type, want.length, initial, UnaryOperator.identity(), want, tolerance));
        return this;
    }

    KernelCase inout(Type type, double[] initial, double[] want) {
        return inout(type, initial, want, Tolerance.of(type));
    }

    KernelCase value(int... values) {
        Arrays.stream(values).forEach(value -> arguments.add(new Scalar(value)));
        return this;
    }

    KernelCase value(float... values) {
        for (float value : values) {
            arguments.add(new Scalar(value));
        }
        return this;
    }

    /** The same with one array after the other at an address that is no multiple of 16. */
    List<KernelCase> misaligned() {
        List<KernelCase> cases = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i) instanceof Array) {
                KernelCase other = new KernelCase(module, kernel);
                other.arguments.addAll(arguments);
                other.grid = grid;
                other.block = block;
                other.misaligned = i;
                cases.add(other);
            }
        }
        return cases;
    }

    /**
     * Runs {@code code}, which is the shipped kernel or a changed one, and compares.
     *
     * @return null if all is as it must be, else what is wrong
     */
    String check(PtxKernel code, ExecutionOrder order, long instructionBudget) {
        DeviceMemory memory = new DeviceMemory();
        long[] addresses = new long[arguments.size()];
        Object[] values = new Object[arguments.size()];
        for (int i = 0; i < values.length; i++) {
            switch (arguments.get(i)) {
                case Scalar scalar -> values[i] = scalar.value;
                case Null none -> values[i] = 0L;
                case Array array -> {
                    addresses[i] = place(memory, array, i);
                    values[i] = addresses[i];
                }
            }
        }
        try {
            Interpreter interpreter = new Interpreter(memory).instructionBudget(instructionBudget);
            interpreter.run(Launch.of(code, grid, block, 0, values), order);
            memory.checkGuards();
        } catch (KernelFault | IllegalArgumentException fault) {
            return this + ": " + fault.getMessage();
        }
        for (int i = 0; i < values.length; i++) {
            if (arguments.get(i) instanceof Array array) {
                String wrong = compare(memory, array, addresses[i]);
                if (wrong != null) {
                    return "%s: argument %d: %s".formatted(this, i, wrong);
                }
            }
        }
        return null;
    }

    private long place(DeviceMemory memory, Array array, int index) {
        int shift = index == misaligned ? array.type.bytes : 0;
        long bytes = (long) array.count * array.type.bytes;
        long address = memory.allocate(bytes + shift, "argument " + index) + shift;
        if (array.initial != null) {
            memory.write(address, array.type.encode(array.initial));
        }
        return address;
    }

    private static String compare(DeviceMemory memory, Array array, long address) {
        long bytes = (long) array.count * array.type.bytes;
        double[] got = array.fold.apply(array.type.decode(memory.segment(address, bytes), array.count));
        double[] want = array.want == null ? array.initial : array.want;
        double squares = 0;
        int finite = 0;
        for (double value : want) {
            if (Double.isFinite(value)) {
                squares += value * value;
                finite++;
            }
        }
        double rms = Math.sqrt(squares / Math.max(1, finite));
        for (int i = 0; i < want.length; i++) {
            double allowed = array.tolerance.relative * Math.abs(want[i]) + array.tolerance.ofRms * rms;
            boolean same = Double.compare(got[i], want[i]) == 0 || got[i] == want[i];
            if (!same && !(Math.abs(got[i] - want[i]) <= allowed)) {
                return "element %d of %d is %s, not %s (%.1e off, %.1e allowed)"
                        .formatted(i, want.length, got[i], want[i], Math.abs(got[i] - want[i]), allowed);
            }
        }
        return null;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("%s grid %s block %s".formatted(kernel, grid, block));
        for (Argument argument : arguments) {
            switch (argument) {
                case Scalar scalar -> text.append(' ').append(scalar.value);
                case Null none -> text.append(" null");
                case Array array -> text.append(' ').append(array.type).append('[').append(array.count).append(']');
            }
        }
        return text.append(misaligned < 0 ? "" : " argument " + misaligned + " misaligned").toString();
    }
}
