package io.culvert.bench.djl;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.training.GradientCollector;
import io.culvert.bench.BenchSettings;
import io.culvert.bench.conv.ConvShape;
import io.culvert.bench.gemm.GemmShape;

/** Single operations in DJL; results are freed with the scope of the call, as DJL's guide advises. */
public final class DjlOps implements AutoCloseable {
    private final NDManager manager = DjlEngine.open(BenchSettings.threads());
    private final NDArray left;
    private final NDArray right;
    private final Shape stride;
    private final Shape padding;

    private DjlOps(Shape left, Shape right, int stride, int padding) {
        this.left = manager.randomNormal(left);
        this.right = manager.randomNormal(right);
        this.stride = new Shape(stride, stride);
        this.padding = new Shape(padding, padding);
    }

    /** Operands of a matrix product. */
    public static DjlOps gemm(GemmShape s) {
        return new DjlOps(new Shape(s.m(), s.k()), new Shape(s.k(), s.n()), 1, 0);
    }

    /** Image batch and weights of a convolution; with gradients if {@code train}. */
    public static DjlOps conv(ConvShape s, boolean train) {
        DjlOps ops = new DjlOps(
                new Shape(s.n(), s.c(), s.h(), s.w()),
                new Shape(s.o(), s.c(), s.kernel(), s.kernel()),
                s.stride(),
                s.padding());
        ops.left.setRequiresGradient(train);
        ops.right.setRequiresGradient(train);
        return ops;
    }

    /** The product of both operands. */
    public void product() {
        try (NDManager scope = manager.newSubManager()) {
            left.tempAttach(scope);
            left.matMul(right);
        }
    }

    /** The convolution alone. */
    public void forward() {
        try (NDManager scope = manager.newSubManager()) {
            left.tempAttach(scope);
            Conv2d.conv2d(left, right, null, stride, padding);
        }
    }

    /** The convolution and the gradients of image batch and weights. */
    public void train() {
        try (NDManager scope = manager.newSubManager();
                GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
            left.tempAttach(scope);
            NDArray y = Conv2d.conv2d(left, right, null, stride, padding).singletonOrThrow();
            collector.backward(y);
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
