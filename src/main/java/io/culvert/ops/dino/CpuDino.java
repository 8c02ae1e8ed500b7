package io.culvert.ops.dino;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Image by image: the teacher's two distributions, then each crop of the student against them. Exponents are differences in double
 * precision, powers in single, sums in double.
 */
final class CpuDino implements DinoOp.Kernel {
    /** Columns of the centre that a thread takes at a time: whole cache lines. */
    private static final int COLUMNS = 16;

    /** An exponent whose power is none. */
    private static final float FARTHEST = -1000;

    private final Workers workers;
    private final DinoOp op;
    private final int batch;
    private final int width;
    /** One for each worker. */
    private final Scratch[] scratch;

    private final double[] imageLoss;
    private final double[] imageEntropy;
    private final double[] columnSum;
    private final Workers.Range distilTask = this::distil;
    private final Workers.Range centerTask = this::moveCenter;
    private double teacherTemperature;

    /**
     * A worker's two distributions of the teacher, powers with the share of 1 that their sum makes of each, and of the row it is
     * at the exponents and their powers. The greatest power is exactly 1: what is nearly certain keeps its digits.
     */
    private static final class Scratch {
        final float[][] teacher;
        final double[] share = new double[2];
        final float[] exponents;
        final float[] powers;

        Scratch(int width) {
            int padded = Simd.bound(width + Simd.LANES - 1);
            teacher = new float[2][padded];
            exponents = new float[padded];
            powers = new float[padded];
        }
    }

    CpuDino(CpuDevice cpu, DinoOp op) {
        this.op = op;
        workers = cpu.workers();
        batch = op.batch();
        width = op.width();
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, worker -> new Scratch(width));
        imageLoss = new double[batch];
        imageEntropy = new double[batch];
        columnSum = new double[width];
    }

    @Override
    public void teacherTemperature(double temperature) {
        teacherTemperature = temperature;
    }

    @Override
    public void forward() {
        workers.run(batch, 1, distilTask);
        workers.run(width, COLUMNS, centerTask);
        set(op.loss().data(), 0, (float) (sum(imageLoss) / op.terms()));
        set(op.entropy.data(), 0, (float) (sum(imageEntropy) / (2 * batch)));
    }

    private static double sum(double... values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum;
    }

    private void distil(int worker, int from, int to) {
        Scratch w = scratch[worker];
        for (int image = from; image < to; image++) {
            imageEntropy[image] = sharpen(w, 0, image) + sharpen(w, 1, batch + image);
            double loss = 0;
            for (int crop = 0; crop < op.config.crops(); crop++) {
                // A view of the teacher's is not matched with itself.
                double first = crop == 0 ? 0 : w.share[0];
                double second = crop == 1 ? 0 : w.share[1];
                loss += match(w, (long) (crop * batch + image) * width, first, second);
            }
            imageLoss[image] = loss;
        }
    }

    /** {@code softmax((g - center) / T)} of a row of the teacher's; returns its entropy. */
    private double sharpen(Scratch w, int view, int row) {
        float[] p = w.teacher[view];
        MemorySegment teacher = op.teacher.data();
        MemorySegment center = op.center.data();
        long base = (long) row * width;
        double max = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < width; k++) {
            max = Math.max(max, (double) get(teacher, base + k) - get(center, k));
        }
        for (int k = 0; k < width; k++) {
            double exponent = ((double) get(teacher, base + k) - get(center, k) - max) / teacherTemperature;
            // What is infinitely far below has no share; its product would be NaN.
            w.exponents[k] = Math.max((float) exponent, FARTHEST);
            p[k] = w.exponents[k];
        }
        SimdMath.exp(p, 0, width, 1, 0);
        double sum = 0;
        double below = 0;
        for (int k = 0; k < width; k++) {
            sum += p[k];
            below += (double) p[k] * w.exponents[k];
        }
        w.share[view] = 1 / sum;
        return Math.log(sum) - below / sum;
    }

    /**
     * The cross-entropy of the student's row at {@code base} with the teacher's distributions, each by its share or 0 if it does not
     * count, and its gradient. The sum leaves out the largest element, whose power is 1.
     */
    private double match(Scratch w, long base, double first, double second) {
        MemorySegment student = op.student.data();
        MemorySegment gradient = op.dstudent == null ? null : op.dstudent.data();
        double temperature = op.config.studentTemperature();
        int targets = first == 0 || second == 0 ? 1 : 2;
        int top = 0;
        for (int k = 1; k < width; k++) {
            top = get(student, base + k) > get(student, base + top) ? k : top;
        }
        double max = get(student, base + top);
        for (int k = 0; k < width; k++) {
            w.exponents[k] = (float) ((get(student, base + k) - max) / temperature);
            w.powers[k] = w.exponents[k];
        }
        SimdMath.exp(w.powers, 0, width, 1, 0);
        double others = 0;
        for (int k = 0; k < width; k++) {
            others += k == top ? 0 : w.powers[k];
        }
        double share = targets / (1 + others);
        double scale = 1 / (temperature * op.terms());
        double loss = targets * Math.log1p(others);
        float[] p = w.teacher[0];
        float[] q = w.teacher[1];
        for (int k = 0; k < width; k++) {
            double target = p[k] * first + q[k] * second;
            loss -= target * w.exponents[k];
            if (gradient != null) {
                set(gradient, base + k, (float) ((w.powers[k] * share - target) * scale));
            }
        }
        return loss;
    }

    private void moveCenter(int worker, int from, int to) {
        MemorySegment teacher = op.teacher.data();
        MemorySegment center = op.center.data();
        Arrays.fill(columnSum, from, to, 0);
        for (int row = 0; row < 2 * batch; row++) {
            for (int k = from; k < to; k++) {
                columnSum[k] += get(teacher, (long) row * width + k);
            }
        }
        double momentum = op.config.centerMomentum();
        for (int k = from; k < to; k++) {
            double mean = columnSum[k] / (2 * batch);
            set(center, k, (float) (momentum * get(center, k) + (1 - momentum) * mean));
        }
    }
}
