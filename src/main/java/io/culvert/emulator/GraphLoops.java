package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.culvert.emulator.Operands.Type;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The operations of a graph as plain loops with double sums; what lies in memory is rounded to its type. */
final class GraphLoops {
    static final int FLOAT = 0;
    static final int BFLOAT16 = 9;
    static final int BOOLEAN = 11;

    static final int ADD = 0;
    static final int MUL = 1;
    static final int RELU_FWD = 100;
    static final int RELU_BWD = 200;
    static final int CMP_GT = 302;

    private static final int BF16_DROPS = 16;

    /** A tensor of a graph: extents in the order N, C, H, W, in memory as N, H, W, C. */
    record Tensor(
            long uid, int type, long n, long c, long h, long w, boolean virtual, boolean byValue, long alignment) {
        int count() {
            return Math.toIntExact(n * c * h * w);
        }

        boolean sameExtents(Tensor other) {
            return n == other.n && c == other.c && h == other.h && w == other.w;
        }

        /** A boolean takes a bit. */
        long bytes() {
            return type == BOOLEAN ? (count() + 7) / 8 : (long) count() * (type == FLOAT ? Float.BYTES : Short.BYTES);
        }
    }

    /** An operation of a graph. */
    sealed interface Operation {
        List<Tensor> inputs();

        List<Tensor> outputs();

        /** One letter, for patterns. */
        char symbol();

        void run(Map<Long, double[]> values);

        default List<Tensor> tensors() {
            return Stream.concat(inputs().stream(), outputs().stream()).toList();
        }

        /**
         * On each element.
         *
         * @param second the other factor, summand or gradient; null where there is one operand
         */
        record Pointwise(int mode, Tensor x, Tensor second, Tensor to) implements Operation {
            @Override
            public List<Tensor> inputs() {
                return second == null ? List.of(x) : List.of(x, second);
            }

            @Override
            public List<Tensor> outputs() {
                return List.of(to);
            }

            @Override
            public char symbol() {
                return switch (mode) {
                    case ADD -> 'A';
                    case MUL -> '*';
                    case RELU_FWD -> 'R';
                    case RELU_BWD -> 'r';
                    default -> '>';
                };
            }

            @Override
            public void run(Map<Long, double[]> values) {
                double[] a = values.get(x.uid);
                double[] b = second == null ? a : values.get(second.uid);
                double[] y = new double[to.count()];
                for (int i = 0; i < y.length; i++) {
                    double other = b[b.length == 1 ? 0 : i];
                    y[i] = switch (mode) {
                        case ADD -> a[i] + other;
                        case MUL -> a[i] * other;
                        case RELU_FWD -> a[i] < 0 ? 0 : a[i];
                        case RELU_BWD -> a[i] > 0 ? other : 0;
                        default -> a[i] > other ? 1 : 0;
                    };
                }
                values.put(to.uid, y);
            }
        }

        /** Batch normalisation: in training the statistics are outputs, else inputs. */
        record Norm(
                boolean training, Tensor x, Tensor y, Tensor mean, Tensor invStd, Tensor weight, Tensor bias,
                Tensor epsilon)
                implements Operation {
            @Override
            public List<Tensor> inputs() {
                return training ? List.of(x, weight, bias, epsilon) : List.of(x, weight, bias, mean, invStd);
            }

            @Override
            public List<Tensor> outputs() {
                return training ? List.of(y, mean, invStd) : List.of(y);
            }

            @Override
            public char symbol() {
                return training ? 'N' : 'n';
            }

            @Override
            public void run(Map<Long, double[]> values) {
                double[] in = values.get(x.uid);
                int channels = (int) x.c;
                if (training) {
                    double[] means = perChannel(in, channels, (i, c) -> in[i]);
                    double[] variances =
                            perChannel(in, channels, (i, c) -> (in[i] - means[c]) * (in[i] - means[c]));
                    double eps = values.get(epsilon.uid)[0];
                    double[] inverse = new double[channels];
                    for (int c = 0; c < channels; c++) {
                        inverse[c] = 1 / Math.sqrt(variances[c] + eps);
                    }
                    values.put(mean.uid, means);
                    values.put(invStd.uid, inverse);
                }
                double[] centre = values.get(mean.uid);
                double[] inverse = values.get(invStd.uid);
                double[] gain = values.get(weight.uid);
                double[] offset = values.get(bias.uid);
                double[] out = new double[in.length];
                for (int i = 0; i < in.length; i++) {
                    int c = i % channels;
                    out[i] = gain[c] * (in[i] - centre[c]) * inverse[c] + offset[c];
                }
                values.put(y.uid, out);
            }
        }

        /** Ioffe and Szegedy 2015, the chain rule of section 3. */
        record NormGradient(
                Tensor x, Tensor dy, Tensor dx, Tensor mean, Tensor invStd, Tensor weight, Tensor dweight, Tensor dbias)
                implements Operation {
            @Override
            public List<Tensor> inputs() {
                return List.of(x, dy, mean, invStd, weight);
            }

            @Override
            public List<Tensor> outputs() {
                return List.of(dx, dweight, dbias);
            }

            @Override
            public char symbol() {
                return 'G';
            }

            @Override
            public void run(Map<Long, double[]> values) {
                int channels = (int) x.c;
                double[] in = values.get(x.uid);
                double[] gradient = values.get(dy.uid);
                double[] centre = values.get(mean.uid);
                double[] inverse = values.get(invStd.uid);
                double[] gain = values.get(weight.uid);
                double[] mean = perChannel(in, channels, (i, c) -> gradient[i]);
                double[] product = perChannel(in, channels, (i, c) -> gradient[i] * (in[i] - centre[c]) * inverse[c]);
                double[] out = new double[in.length];
                for (int i = 0; i < in.length; i++) {
                    int c = i % channels;
                    double normal = (in[i] - centre[c]) * inverse[c];
                    out[i] = gain[c] * inverse[c] * (gradient[i] - mean[c] - normal * product[c]);
                }
                int rows = in.length / channels;
                for (int c = 0; c < channels; c++) {
                    mean[c] *= rows;
                    product[c] *= rows;
                }
                values.put(dx.uid, out);
                values.put(dbias.uid, mean);
                values.put(dweight.uid, product);
            }
        }
    }

    private interface Term {
        double of(int element, int channel);
    }

    /** The mean of each channel's terms. */
    private static double[] perChannel(double[] x, int channels, Term term) {
        double[] means = new double[channels];
        for (int i = 0; i < x.length; i++) {
            means[i % channels] += term.of(i, i % channels);
        }
        for (int c = 0; c < channels; c++) {
            means[c] /= x.length / channels;
        }
        return means;
    }

    private final List<Operation> operations;
    private final List<Tensor> read = new ArrayList<>();
    private final List<Tensor> write = new ArrayList<>();
    private final Map<Long, Long> at = new HashMap<>();
    private final Map<Long, Double> scalars = new HashMap<>();

    /** @param pointers of all tensors that lie in memory and all values; these are read now */
    GraphLoops(List<Operation> operations, Map<Long, Long> pointers) {
        this.operations = operations;
        Map<Long, Tensor> outputs = new HashMap<>();
        operations.forEach(operation -> operation.outputs().forEach(tensor -> outputs.put(tensor.uid(), tensor)));
        for (Operation operation : operations) {
            for (Tensor tensor : operation.tensors()) {
                if (!tensor.virtual() && at.putIfAbsent(tensor.uid(), 0L) == null) {
                    place(tensor, pointers.getOrDefault(tensor.uid(), 0L), outputs.containsKey(tensor.uid()));
                }
            }
        }
        write.forEach(output -> Stream.concat(read.stream(), write.stream())
                .filter(other -> !other.equals(output) && overlap(output, other))
                .findFirst()
                .ifPresent(other -> {
                    throw new SimulatedError(2000, "%s lies where %s does", output, other);
                }));
    }

    private void place(Tensor tensor, long address, boolean output) {
        if (address == 0 || address % (tensor.byValue() ? Float.BYTES : tensor.alignment()) != 0) {
            throw new SimulatedError(2000, "%s at 0x%x", tensor, address);
        }
        if (tensor.byValue()) {
            scalars.put(
                    tensor.uid(),
                    (double) MemorySegment.ofAddress(address).reinterpret(Float.BYTES).get(JAVA_FLOAT, 0));
            return;
        }
        at.put(tensor.uid(), address);
        (output ? write : read).add(tensor);
    }

    private boolean overlap(Tensor a, Tensor b) {
        long from = at.get(a.uid());
        long other = at.get(b.uid());
        return from < other + b.bytes() && other < from + a.bytes();
    }

    void run(Operands memory) {
        Map<Long, double[]> values = new HashMap<>();
        scalars.forEach((uid, value) -> values.put(uid, new double[] {value}));
        for (Tensor tensor : read) {
            values.put(tensor.uid(), load(memory, tensor));
        }
        for (Operation operation : operations) {
            operation.run(values);
            operation.outputs().forEach(tensor -> round(values.get(tensor.uid()), tensor.type()));
        }
        write.forEach(tensor -> store(memory, tensor, values.get(tensor.uid())));
    }

    private static void round(double[] values, int type) {
        for (int i = 0; i < values.length; i++) {
            float single = (float) values[i];
            values[i] = type == BFLOAT16 ? Float.intBitsToFloat(Operands.rounded(single, BF16_DROPS)) : single;
        }
    }

    private double[] load(Operands memory, Tensor tensor) {
        double[] values = new double[tensor.count()];
        long address = at.get(tensor.uid());
        if (tensor.type() == BOOLEAN) {
            byte[] bits = memory.readBytes("mask", address, tensor.bytes()).toArray(JAVA_BYTE);
            for (int i = 0; i < values.length; i++) {
                values[i] = bits[i / 8] >> i % 8 & 1;
            }
            return values;
        }
        float[] floats = memory.read("tensor " + tensor.uid(), address, values.length, type(tensor));
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }

    private void store(Operands memory, Tensor tensor, double[] values) {
        long address = at.get(tensor.uid());
        if (tensor.type() == BOOLEAN) {
            byte[] bits = new byte[(int) tensor.bytes()];
            for (int i = 0; i < values.length; i++) {
                bits[i / 8] |= (byte) ((int) values[i] << i % 8);
            }
            memory.writeBytes("mask", address, bits.length).copyFrom(MemorySegment.ofArray(bits));
            return;
        }
        Operands.Output output = memory.write("tensor " + tensor.uid(), address, values.length, type(tensor));
        for (int i = 0; i < values.length; i++) {
            output.set(i, values[i]);
        }
    }

    private static Type type(Tensor tensor) {
        return tensor.type() == FLOAT ? Type.FLOAT : Type.BFLOAT16;
    }
}
