package io.culvert.verify;

import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A case on a tape: binds its inputs, parameters and buffers, runs it forward and back, and reads all that came out. */
final class TapeRun {
    private record Input(StoredTensor given, Layout layout, Tensor tensor) {}

    private record Assembled(Tensor tensor, Runnable fill) {}

    private final VectorCase vector;
    private final RunArena arena;
    /** Losses are computed in single precision whatever the rest is. */
    private final DType compute;

    private final Map<String, Input> inputs = new LinkedHashMap<>();
    private final List<Assembled> assembled = new ArrayList<>();

    /** Where layers declare what they need; bound when the case runs. */
    final ParameterStore store = new ParameterStore();

    /** Plans a backward pass only if the case expects gradients. */
    final Tape tape;

    TapeRun(VectorCase vector, RunArena arena) {
        this.vector = vector;
        this.arena = arena;
        compute = vector.kind().equals("loss") ? DType.F32 : DType.compute(arena.device());
        tape = new Tape(vector.expectsGradients());
    }

    /** Declares the case's input of that name. */
    Tensor input(String name, Layout layout) {
        StoredTensor given = vector.tensor("in/" + name);
        return input(name, given, layout);
    }

    /** As {@link #input(String, Layout)}, for an input that must have this many axes. */
    Tensor input(String name, int rank, Layout layout) {
        return input(name, vector.tensor("in/" + name, rank), layout);
    }

    private Tensor input(String name, StoredTensor given, Layout layout) {
        Tensor tensor = tape.input(new Tensor(name, layout.shape(given.shape()), DType.F32));
        if (vector.has("grad/in/" + name)) {
            tape.differentiate(tensor);
        }
        inputs.put(name, new Input(given, layout, tensor));
        return CastOp.record(tape, name + ".cast", tensor, compute);
    }

    /** Declares an input made of several of the case's; its gradient is planned if the case expects any. */
    Tensor input(String name, float[] values, int... extents) {
        Tensor tensor = tape.differentiate(tape.input(Tensor.f32(name, extents)));
        assembled.add(new Assembled(tensor, () -> tensor.set(values)));
        return tensor;
    }

    /** As {@link #input(String, float[], int...)}, for data that no gradient flows back to. */
    Tensor data(String name, float[] values, int... extents) {
        Tensor tensor = tape.input(Tensor.f32(name, extents));
        assembled.add(new Assembled(tensor, () -> tensor.set(values)));
        return tensor;
    }

    /** The case's integer input of that name: one label from 0 to {@code classes} - 1 for each of {@code rows}. */
    Tensor labels(String name, int rows, int classes) {
        long[] given = vector.longs("in/" + name);
        if (given.length != rows) {
            throw vector.fault("in/%s has %d labels for %d rows", name, given.length, rows);
        }
        int[] values = new int[rows];
        for (int i = 0; i < rows; i++) {
            if (given[i] < 0 || given[i] >= classes) {
                throw vector.fault("in/%s has label %d, there are %d classes", name, given[i], classes);
            }
            values[i] = (int) given[i];
        }
        return indices(name, values, rows);
    }

    /** As {@link #data}, for integers. */
    Tensor indices(String name, int[] values, int... extents) {
        Tensor tensor = tape.input(new Tensor(name, Shape.of(extents), DType.I32));
        assembled.add(new Assembled(tensor, () -> tensor.setInts(values)));
        return tensor;
    }

    /** The gradient that reached an input, in stored order. No later operation writes there: it is written last. */
    float[] gradient(Tensor input) {
        return tape.gradients(input).getFirst().peek();
    }

    /** Declares the case's parameter of that name, which must have this many axes. */
    Parameter parameter(String name, int rank) {
        return store.parameter(
                name, extents(vector.tensor("param/" + name, rank).shape()));
    }

    static int[] extents(List<Long> shape) {
        return shape.stream().mapToInt(Math::toIntExact).toArray();
    }

    /** Runs the case; {@code name} is that of the output and of the gradient that flows into it. */
    Map<String, Computed> run(String name, Tensor output, Layout layout) {
        tape.keep(output);
        List<Long> shape = layout.torchShape(output.shape());
        Tensor seed = null;
        if (vector.expectsGradients()) {
            StoredTensor given = vector.tensor("gradout/" + name);
            if (!given.shape().equals(shape)) {
                throw vector.fault("gradout/%s has shape %s, the output has %s", name, given.shape(), shape);
            }
            seed = tape.seedGradient(output);
            bind(seed);
            seed.set(layout.toStored(shape, given.toFloats()));
        }
        execute();
        Map<String, Computed> computed = new LinkedHashMap<>();
        computed.put("out/" + name, Computed.of(shape, layout.toTorch(shape, output.toFloats())));
        collect(computed);
        return computed;
    }

    /** Runs a case that ends in a loss. */
    Map<String, Computed> runLoss(Tensor loss) {
        execute();
        Map<String, Computed> computed = new LinkedHashMap<>();
        computed.put("out/loss", Computed.scalar(loss.toFloats()[0]));
        collect(computed);
        return computed;
    }

    private void execute() {
        store.allocate(arena);
        for (Parameter parameter : store.parameters()) {
            parameter.value().set(parameter.fromTorchOrder(parameterValues(parameter)));
        }
        store.buffers().forEach((name, buffer) -> buffer.set(bufferValues(name, buffer)));
        store.valuesChanged();
        inputs.values().forEach(input -> {
            bind(input.tensor);
            input.tensor.set(input.layout.toStored(input.given.shape(), input.given.toFloats()));
        });
        for (Assembled input : assembled) {
            bind(input.tensor);
            input.fill.run();
        }
        tape.compile(arena);
        store.zeroGradients();
        tape.forward();
        if (tape.training()) {
            tape.backward();
        }
    }

    private float[] parameterValues(Parameter parameter) {
        StoredTensor given = vector.tensor("param/" + parameter.name());
        List<Long> shape = shapeOf(parameter);
        if (!given.shape().equals(shape)) {
            throw vector.fault("%s has shape %s, expected %s", given.name(), given.shape(), shape);
        }
        return given.toFloats();
    }

    private float[] bufferValues(String name, Tensor buffer) {
        StoredTensor given = vector.tensor("buffer/" + name);
        if (given.count() != buffer.shape().count()) {
            throw vector.fault("%s has shape %s, expected %s", given.name(), given.shape(), buffer.shape());
        }
        return given.toFloats();
    }

    private static List<Long> shapeOf(Parameter parameter) {
        return Arrays.stream(parameter.torchShape()).mapToObj(Long::valueOf).toList();
    }

    private void bind(Tensor tensor) {
        tensor.bind(arena.allocate(tensor.name(), tensor.bytes()), 0);
    }

    private void collect(Map<String, Computed> computed) {
        store.buffers()
                .forEach((name, buffer) -> computed.put(
                        "out/buffer/" + name,
                        Computed.of(vector.tensor("buffer/" + name).shape(), buffer.toFloats())));
        if (!tape.training()) {
            return;
        }
        for (Parameter parameter : store.parameters()) {
            float[] gradient = parameter.toTorchOrder(parameter.gradient().toFloats());
            computed.put("grad/param/" + parameter.name(), Computed.of(shapeOf(parameter), gradient));
        }
        inputs.forEach((name, input) -> {
            if (vector.has("grad/in/" + name)) {
                if (tape.gradients(input.tensor).isEmpty()) {
                    throw vector.fault("expects grad/in/%s, but no gradient flows back to it", name);
                }
                List<Long> shape = input.given.shape();
                computed.put(
                        "grad/in/" + name, Computed.of(shape, input.layout.toTorch(shape, gradient(input.tensor))));
            }
        });
    }
}
