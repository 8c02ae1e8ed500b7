package io.culvert.bench.djl;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.GradientCollector;
import io.culvert.bench.BenchSettings;
import io.culvert.bench.op.OpShape;
import io.culvert.bench.op.OpSide;

/** An operation in DJL: its own function where it has one, else of array operations as its users write them. */
public final class DjlOp implements OpSide {
    private final NDManager manager = DjlEngine.open(BenchSettings.threads());
    private final OpShape s;
    private final NDArray x;
    private final NDArray weight;
    private final NDArray bias;
    private final NDArray mean;
    private final NDArray variance;
    private final NDArray other;
    private final NDArray mask;
    private final NDArray dy;
    private NDArray center;
    private double output = Double.NaN;

    /** Fills the operands. */
    public DjlOp(OpShape s) {
        this.s = s;
        float[] numbers = OpShape.numbers(0, (int) inputShape().size());
        int channels = s.op().equals("batch_norm") ? s.at(3) : s.op().equals("layer_norm") ? s.at(1) : 1;
        x = s.op().equals("batch_norm")
                ? channelsFirst(numbers, s.at(0), s.at(1), s.at(2), s.at(3))
                : manager.create(numbers, inputShape());
        x.setRequiresGradient(true);
        weight = s.op().equals("batch_norm")
                ? manager.create(OpShape.gain(numbers, channels))
                : manager.ones(new Shape(channels));
        weight.setRequiresGradient(true);
        bias = manager.zeros(new Shape(channels));
        bias.setRequiresGradient(true);
        mean = manager.zeros(new Shape(channels));
        variance = manager.ones(new Shape(channels));
        other = switch (s.op()) {
            case "byol" -> numbers(2, new Shape(2L * s.at(0), s.at(1)));
            case "dino" -> numbers(2, new Shape(2L * s.at(0), s.at(2)));
            case "mae" ->
                channelsFirst(OpShape.numbers(2, 3 * s.at(0) * s.at(1) * s.at(1)), s.at(0), s.at(1), s.at(1), 3);
            default -> manager.zeros(new Shape(1));
        };
        int patches = s.op().equals("mae") ? s.at(0) * grid() * grid() : 1;
        mask = s.op().equals("mae")
                ? manager.create(OpShape.mask(patches), new Shape(s.at(0), (long) grid() * grid()))
                : other;
        center = s.op().equals("dino") ? manager.zeros(new Shape(s.at(2))) : other;
        dy = switch (s.op()) {
            case "batch_norm" -> channelsFirst(OpShape.numbers(1, numbers.length), s.at(0), s.at(1), s.at(2), s.at(3));
            case "layer_norm" -> numbers(1, inputShape());
            case "attention" -> numbers(1, new Shape(s.at(0), s.at(1), (long) s.at(2) * s.at(3)));
            default -> manager.create(1f);
        };
    }

    private Shape inputShape() {
        return switch (s.op()) {
            case "batch_norm" -> new Shape(s.at(0), s.at(3), s.at(1), s.at(2));
            case "layer_norm" -> new Shape(s.at(0), s.at(1));
            case "attention" -> new Shape(s.at(0), s.at(1), 3L * s.at(2) * s.at(3));
            case "dino" -> new Shape((long) s.at(0) * s.at(1), s.at(2));
            case "mae" -> new Shape(s.at(0), (long) grid() * grid(), 3L * s.at(2) * s.at(2));
            default -> new Shape(2L * s.at(0), s.at(1));
        };
    }

    /** MAE's patches in a row of the image. */
    private int grid() {
        return s.at(1) / s.at(2);
    }

    private NDArray numbers(int seed, Shape shape) {
        return manager.create(OpShape.numbers(seed, (int) shape.size()), shape);
    }

    private NDArray channelsFirst(float[] values, int n, int h, int w, int c) {
        float[] moved = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            int pixel = i / c % (h * w);
            moved[(i / c / (h * w) * c + i % c) * h * w + pixel] = values[i];
        }
        return manager.create(moved, new Shape(n, c, h, w));
    }

    @Override
    public void forward() {
        run(false);
    }

    @Override
    public void train() {
        run(true);
    }

    @SuppressWarnings("try") // The collector is there for what it switches on.
    private void run(boolean backward) {
        try (NDManager scope = manager.newSubManager();
                GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
            // What is computed belongs to the scope of its first operand.
            x.tempAttach(scope);
            other.tempAttach(scope);
            if (mask != other) {
                mask.tempAttach(scope);
            }
            NDArray y = compute();
            if (backward) {
                JniUtils.backward((PtNDArray) y, (PtNDArray) dy, false, false);
            } else if (Double.isNaN(output)) {
                output = OpSide.norm(y.toFloatArray());
            }
        }
    }

    private NDArray compute() {
        return switch (s.op()) {
            case "batch_norm" ->
                BatchNorm.batchNorm(x, mean, variance, weight, bias, 1, 0.1f, 1e-5f, true)
                        .singletonOrThrow();
            case "layer_norm" ->
                LayerNorm.layerNorm(x, new Shape(s.at(1)), weight, bias, 1e-6f).singletonOrThrow();
            case "attention" -> attention();
            case "nt_xent" -> ntXent();
            case "barlow_twins" -> barlowTwins();
            case "byol" -> {
                NDList views = other.split(2);
                NDArray target = views.get(1).concat(views.get(0), 0).normalize(2, 1);
                yield x.normalize(2, 1)
                        .mul(target)
                        .sum(new int[] {1})
                        .mul(-2)
                        .add(2)
                        .mean();
            }
            case "dino" -> dino();
            case "mae" -> mae();
            default -> throw new AssertionError(s);
        };
    }

    private NDArray attention() {
        long b = s.at(0);
        long n = s.at(1);
        long heads = s.at(2);
        long d = s.at(3);
        NDArray qkv = x.reshape(b, n, 3, heads, d).transpose(2, 0, 3, 1, 4);
        NDArray weights = qkv.get(0)
                .matMul(qkv.get(1).transpose(0, 1, 3, 2))
                .mul(1 / Math.sqrt(d))
                .softmax(-1);
        return weights.matMul(qkv.get(2)).transpose(0, 2, 1, 3).reshape(b, n, heads * d);
    }

    private NDArray ntXent() {
        int batch = s.at(0);
        NDManager scope = x.getManager();
        NDArray unit = x.normalize(2, 1);
        NDArray logits =
                unit.matMul(unit.transpose()).div(0.2f).add(scope.eye(2 * batch).mul(-1e9f));
        NDArray eye = scope.eye(batch);
        NDArray zero = scope.zeros(new Shape(batch, batch));
        NDArray partner = zero.concat(eye, 1).concat(eye.concat(zero, 1), 0);
        return logits.logSoftmax(1).mul(partner).sum().div(-2 * batch);
    }

    private NDArray barlowTwins() {
        NDList views = x.split(2);
        NDArray c = standardised(views.get(0))
                .transpose()
                .matMul(standardised(views.get(1)))
                .div(s.at(0));
        NDArray diagonal = c.diagonal();
        NDArray on = diagonal.sub(1).square().sum();
        NDArray off = c.square().sum().sub(diagonal.square().sum());
        return on.add(off.mul(0.005f));
    }

    private static NDArray standardised(NDArray z) {
        NDArray centred = z.sub(z.mean(new int[] {0}, true));
        return centred.div(centred.square().mean(new int[] {0}, true).add(1e-5f).sqrt());
    }

    private NDArray dino() {
        int crops = s.at(1);
        NDList teacher = other.sub(center).div(0.04f).softmax(1).split(2);
        NDList student = x.div(0.1f).split(crops);
        NDArray total = null;
        for (int i = 0; i < 2; i++) {
            for (int j = 0; j < crops; j++) {
                if (i != j) {
                    NDArray pair = teacher.get(i)
                            .mul(student.get(j).logSoftmax(1))
                            .sum(new int[] {1})
                            .mean()
                            .neg();
                    total = total == null ? pair : total.add(pair);
                }
            }
        }
        center.attach(x.getManager());
        center = center.mul(0.9f).add(other.mean(new int[] {0}).mul(0.1f));
        center.attach(manager);
        return total.div(2 * crops - 2);
    }

    private NDArray mae() {
        long n = s.at(0);
        long g = grid();
        long p = s.at(2);
        NDArray patches =
                other.reshape(n, 3, g, p, g, p).transpose(0, 2, 4, 3, 5, 1).reshape(n, g * g, p * p * 3);
        NDArray centred = patches.sub(patches.mean(new int[] {2}, true));
        NDArray deviation = centred.square()
                .sum(new int[] {2}, true)
                .div(p * p * 3 - 1)
                .add(1e-6f)
                .sqrt();
        NDArray error = x.sub(centred.div(deviation)).square().mean(new int[] {2});
        return error.mul(mask).sum().div(mask.sum());
    }

    @Override
    public double outputNorm() {
        return output;
    }

    @Override
    public double gradientNorm() {
        return OpSide.norm(x.getGradient().toFloatArray());
    }

    @Override
    public void close() {
        manager.close();
    }
}
