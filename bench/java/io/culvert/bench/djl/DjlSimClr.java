package io.culvert.bench.djl;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.culvert.bench.step.TrainingStep;
import java.util.List;

/**
 * The SimCLR step of a ResNet-18 written in DJL as its users write it: blocks, a trainer, a gradient collector and its
 * SGD. Same arithmetic as Culvert's step and as {@code bench/peers/step.py}: two views one after the other through the
 * network, head 512-2048-256, NT-Xent at temperature 0.2, momentum 0.9, weight decay 1e-4.
 */
public final class DjlSimClr implements TrainingStep {
    private static final float TEMPERATURE = 0.2f;

    private final Model model;
    private final Trainer trainer;
    private final NDManager manager;
    private final NDArray firstView;
    private final NDArray secondView;
    private final NDArray notItself;
    private final NDArray partner;
    private final int batch;

    /** Builds the network on random views of shape {@code [batch, 3, size, size]}. */
    public DjlSimClr(int threads, int batch, int size) {
        this.batch = batch;
        manager = DjlEngine.open(threads);
        model = Model.newInstance("simclr", Device.cpu(), "PyTorch");
        model.setBlock(network());
        Optimizer sgd = Optimizer.sgd()
                .setLearningRateTracker(Tracker.fixed(0.03f))
                .optMomentum(0.9f)
                .optWeightDecays(1e-4f)
                .build();
        trainer = model.newTrainer(
                new DefaultTrainingConfig(Loss.l2Loss()).optOptimizer(sgd).optDevices(new Device[] {Device.cpu()}));
        Shape input = new Shape(batch, 3, size, size);
        trainer.initialize(input);
        firstView = manager.randomNormal(input);
        secondView = manager.randomNormal(input);
        notItself = manager.eye(2 * batch).mul(-1e9f);
        NDArray eye = manager.eye(batch);
        NDArray zero = manager.zeros(new Shape(batch, batch));
        partner = zero.concat(eye, 1).concat(eye.concat(zero, 1), 0);
    }

    @Override
    public float step() {
        try (NDManager scope = manager.newSubManager()) {
            firstView.tempAttach(scope);
            secondView.tempAttach(scope);
            float value;
            try (GradientCollector collector = trainer.newGradientCollector()) {
                NDArray z1 = trainer.forward(new NDList(firstView)).singletonOrThrow();
                NDArray z2 = trainer.forward(new NDList(secondView)).singletonOrThrow();
                NDArray loss = ntXent(z1, z2);
                collector.backward(loss);
                value = loss.getFloat();
            }
            trainer.step();
            return value;
        }
    }

    private NDArray ntXent(NDArray z1, NDArray z2) {
        NDArray z = z1.concat(z2, 0);
        NDArray unit = z.div(z.square().sum(new int[] {1}, true).sqrt());
        NDArray logits = unit.matMul(unit.transpose()).div(TEMPERATURE).add(notItself);
        return logits.logSoftmax(1).mul(partner).sum().div(-2 * batch);
    }

    private static Block network() {
        SequentialBlock net = new SequentialBlock()
                .add(convolution(64, 7, 2, 3))
                .add(norm())
                .add(Activation.reluBlock())
                .add(Pool.maxPool2dBlock(new Shape(3, 3), new Shape(2, 2), new Shape(1, 1)));
        int inputs = 64;
        for (int planes : List.of(64, 128, 256, 512)) {
            int stride = planes == 64 ? 1 : 2;
            net.add(residual(inputs, planes, stride)).add(residual(planes, planes, 1));
            inputs = planes;
        }
        return net.add(Pool.globalAvgPool2dBlock())
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(2048).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(256).build());
    }

    private static Block residual(int inputs, int planes, int stride) {
        SequentialBlock body = new SequentialBlock()
                .add(convolution(planes, 3, stride, 1))
                .add(norm())
                .add(Activation.reluBlock())
                .add(convolution(planes, 3, 1, 1))
                .add(norm());
        Block shortcut = inputs == planes && stride == 1
                ? Blocks.identityBlock()
                : new SequentialBlock().add(convolution(planes, 1, stride, 0)).add(norm());
        return new ParallelBlock(
                paths -> new NDList(Activation.relu(
                        paths.get(0).singletonOrThrow().add(paths.get(1).singletonOrThrow()))),
                List.of(body, shortcut));
    }

    private static Block convolution(int filters, int kernel, int stride, int padding) {
        return Conv2d.builder()
                .setKernelShape(new Shape(kernel, kernel))
                .setFilters(filters)
                .optStride(new Shape(stride, stride))
                .optPadding(new Shape(padding, padding))
                .optBias(false)
                .build();
    }

    private static Block norm() {
        return BatchNorm.builder().optEpsilon(1e-5f).optMomentum(0.9f).build();
    }

    @Override
    public void close() {
        trainer.close();
        model.close();
        manager.close();
    }
}
