package io.culvert.tensor;

import io.culvert.device.Buffer;
import io.culvert.device.CudaDevice;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All parameters and buffers of a network in three slabs (values, gradients, buffers). Layers declare what they need
 * by timm's names; {@link #allocate} lays the slabs out in that order.
 */
public final class ParameterStore {
    private static final int ALIGNMENT = 64;
    private static final int THREADS = 256;

    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Tensor> buffers = new LinkedHashMap<>();
    private Buffer values;
    private Buffer gradients;
    private Buffer state;
    private CudaLaunch rounding;
    private int version;

    /** Declares a trainable parameter with PyTorch's extents. */
    public Parameter parameter(String name, int... torchShape) {
        Parameter parameter = new Parameter(this, name, torchShape);
        if (parameters.putIfAbsent(name, parameter) != null) {
            throw new IllegalArgumentException("parameter " + name + " declared twice");
        }
        return parameter;
    }

    /** Declares state that training updates without a gradient, such as running statistics. */
    public Tensor buffer(String name, int... extents) {
        Tensor buffer = Tensor.f32(name, extents);
        if (buffers.putIfAbsent(name, buffer) != null) {
            throw new IllegalArgumentException("buffer " + name + " declared twice");
        }
        return buffer;
    }

    /** Takes the slabs and binds every declared tensor; nothing may be declared afterwards. */
    public void allocate(RunArena arena) {
        allocateFrozen(arena, "");
        gradients = slab(arena, "gradients", parameters.values().stream().map(Parameter::gradient).toList());
    }

    /**
     * As {@link #allocate}, without gradients: for parameters that no optimiser moves.
     *
     * @param owner goes before the slabs' names in reports, with a space at its end
     */
    public void allocateFrozen(RunArena arena, String owner) {
        values = slab(arena, owner + "weights", parameters.values().stream().map(Parameter::value).toList());
        state = slab(arena, owner + "running statistics", List.copyOf(buffers.values()));
        if (arena.device() instanceof CudaDevice cuda && cuda.precision() == Precision.BF16) {
            rounding = roundedCopy(arena, cuda.context());
        }
    }

    /** A second slab of the same layout, in brain floats, and the launch that fills it. */
    private CudaLaunch roundedCopy(RunArena arena, CudaContext cuda) {
        Buffer rounded = arena.allocate("rounded weights", values.bytes() / Float.BYTES * Short.BYTES);
        for (Parameter parameter : parameters.values()) {
            long offset = parameter.value().address() - values.address();
            parameter.rounded().bind(rounded, offset / Float.BYTES * Short.BYTES);
        }
        int count = Math.toIntExact(values.bytes() / Float.BYTES);
        return cuda.launch("elementwise", "cast_f32_to_bf16").grid(cuda.blocks(count, 8 * THREADS)).block(THREADS)
                .pointer(rounded.address()).pointer(values.address()).int32(count);
    }

    private static Buffer slab(RunArena arena, String purpose, List<Tensor> views) {
        long bytes = 0;
        for (Tensor view : views) {
            bytes += padded(view.bytes());
        }
        Buffer slab = arena.allocate(purpose, Math.max(bytes, ALIGNMENT));
        long offset = 0;
        for (Tensor view : views) {
            view.bind(slab, offset);
            offset += padded(view.bytes());
        }
        return slab;
    }

    private static long padded(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    public List<Parameter> parameters() {
        return List.copyOf(parameters.values());
    }

    public Map<String, Tensor> buffers() {
        return buffers;
    }

    public Buffer values() {
        return values;
    }

    public Buffer gradients() {
        return gradients;
    }

    public Buffer state() {
        return state;
    }

    /** Rises whenever values change, so that kernels know when their reordered copies are stale. */
    public int version() {
        return version;
    }

    /** To be called after any change of values: rounds them anew where kernels read a rounded copy. */
    public void valuesChanged() {
        version++;
        if (rounding != null) {
            rounding.run();
        }
    }

    /** Takes over the values and buffers of another store that declares at least the same, by name. */
    public void copyFrom(ParameterStore other) {
        parameters.forEach((name, parameter) ->
                parameter.value().set(other.parameters.get(name).value().toFloats()));
        buffers.forEach((name, buffer) -> buffer.set(other.buffers.get(name).toFloats()));
        valuesChanged();
    }

    /** Clears all gradients in one pass over the slab. */
    public void zeroGradients() {
        gradients.clear();
    }
}
