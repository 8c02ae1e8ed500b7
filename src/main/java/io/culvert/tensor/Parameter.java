package io.culvert.tensor;

/**
 * A trainable tensor: its value and its gradient, both views of the run's slabs. Gradients accumulate; whoever owns
 * the step clears the slab first.
 */
public final class Parameter {
    private final Tensor value;
    private final Tensor gradient;
    private final Tensor rounded;
    private final int[] torchShape;
    private final ParameterStore store;

    Parameter(ParameterStore store, String name, int[] torchShape) {
        this.store = store;
        this.torchShape = torchShape.clone();
        Shape stored = storedShape(torchShape);
        value = new Tensor(name, stored, DType.F32);
        gradient = new Tensor("grad/" + name, stored, DType.F32);
        rounded = new Tensor(name, stored, DType.BF16);
    }

    /** Convolution weights are kept as O H W I, which NHWC kernels read along channels; the rest as PyTorch has it. */
    private static Shape storedShape(int[] torch) {
        return torch.length == 4 ? Shape.of(torch[0], torch[2], torch[3], torch[1]) : Shape.of(torch);
    }

    public String name() {
        return value.name();
    }

    public Tensor value() {
        return value;
    }

    /** The values as kernels of that type read them: the same memory, or a copy that is rounded after each update. */
    public Tensor value(DType compute) {
        return compute == DType.F32 ? value : rounded;
    }

    /** The copy in brain floats. */
    Tensor rounded() {
        return rounded;
    }

    public Tensor gradient() {
        return gradient;
    }

    /** Rises when the values change; see {@link ParameterStore#version()}. */
    public int version() {
        return store.version();
    }

    /** The extents under which PyTorch and timm know this parameter: {@code [O, I, kh, kw]}, {@code [out, in]}, ... */
    public int[] torchShape() {
        return torchShape.clone();
    }

    /** Whether it is one-dimensional, as biases and gains of normalisations: recipes spare those (ndim, as MAE's and DINO's). */
    public boolean isVector() {
        return torchShape.length == 1;
    }

    /** Values or gradients in PyTorch's element order, from how they are stored. */
    public float[] toTorchOrder(float[] stored) {
        return torchShape.length == 4 ? permute(stored, true) : stored;
    }

    /** The stored order from PyTorch's. */
    public float[] fromTorchOrder(float[] torch) {
        return torchShape.length == 4 ? permute(torch, false) : torch;
    }

    private float[] permute(float[] from, boolean toTorch) {
        int outs = torchShape[0];
        int ins = torchShape[1];
        int taps = torchShape[2] * torchShape[3];
        float[] to = new float[from.length];
        for (int o = 0; o < outs; o++) {
            for (int t = 0; t < taps; t++) {
                for (int i = 0; i < ins; i++) {
                    int stored = (o * taps + t) * ins + i;
                    int torch = (o * ins + i) * taps + t;
                    if (toTorch) {
                        to[torch] = from[stored];
                    } else {
                        to[stored] = from[torch];
                    }
                }
            }
        }
        return to;
    }
}
