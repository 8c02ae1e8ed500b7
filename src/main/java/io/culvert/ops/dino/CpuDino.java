package io.culvert.ops.dino;

import static io.culvert.device.cpu.Simd.D;
import static io.culvert.device.cpu.Simd.DOUBLES;
import static io.culvert.device.cpu.Simd.doubles;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;
import static io.culvert.device.cpu.Simd.store;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

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

    /** What is taken off a row: of the teacher's the centre, of the student's nothing. */
    private final double[] teacherCenter;

    private final double[] studentCenter;

    private final double[] imageLoss;
    private final double[] imageEntropy;
    private final double[] columnSum;
    private final Workers.Range distilTask = this::distil;
    private final Workers.Range centerTask = this::moveCenter;
    private double teacherTemperature;

    /**
     * A worker's two distributions of the teacher, powers with the share of 1 that their sum makes of each, and of the row it is
     * at the exponents and their powers. The greatest power is exactly 1: what is nearly certain keeps its digits. Rows have room for
     * whole vectors; what is beyond their width adds nothing to a sum.
     */
    private static final class Scratch {
        final float[][] teacher;
        final double[] share = new double[2];
        final double[] row;
        final float[] exponents;
        final float[] powers;
        final double[] lanes = new double[DOUBLES];

        Scratch(int padded) {
            teacher = new float[2][padded];
            row = new double[padded];
            exponents = new float[padded];
            powers = new float[padded];
        }
    }

    CpuDino(CpuDevice cpu, DinoOp op) {
        this.op = op;
        workers = cpu.workers();
        batch = op.batch();
        width = op.width();
        int padded = Simd.bound(width + Simd.LANES - 1);
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, worker -> new Scratch(padded));
        teacherCenter = new double[width];
        studentCenter = new double[width];
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
        for (int k = 0; k < width; k++) {
            teacherCenter[k] = get(op.center.data(), k);
        }
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
        double max = subtract(w, op.teacher.data(), (long) row * width, teacherCenter);
        // What is infinitely far below has no share; its product would be NaN.
        exponents(w, p, max, 1 / teacherTemperature, FARTHEST);
        SimdMath.exp(p, 0, width, 1, 0);
        double others = others(w, p);
        w.share[view] = 1 / (1 + others);
        return Math.log1p(others) - along(w, p) * w.share[view];
    }

    /**
     * The cross-entropy of the student's row at {@code base} with the teacher's distributions, each by its share or 0 if it does not
     * count, and its gradient.
     */
    private double match(Scratch w, long base, double first, double second) {
        double temperature = op.config.studentTemperature();
        int targets = first == 0 || second == 0 ? 1 : 2;
        double max = subtract(w, op.student.data(), base, studentCenter);
        exponents(w, w.powers, max, 1 / temperature, Float.NEGATIVE_INFINITY);
        SimdMath.exp(w.powers, 0, width, 1, 0);
        double others = others(w, w.powers);
        if (op.dstudent != null) {
            gradient(w, base, targets / (1 + others), first, second, 1 / (temperature * op.terms()));
        }
        double loss = targets * Math.log1p(others);
        loss -= first == 0 ? 0 : first * along(w, w.teacher[0]);
        loss -= second == 0 ? 0 : second * along(w, w.teacher[1]);
        return loss;
    }

    /** The logits at {@code base} less a centre; returns the greatest, which is put beyond their end as well. */
    private double subtract(Scratch w, MemorySegment logits, long base, double[] center) {
        double[] row = w.row;
        DoubleVector greatest = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
        int k = 0;
        for (; k + DOUBLES <= width; k += DOUBLES) {
            DoubleVector v = doubles(logits, base + k).sub(DoubleVector.fromArray(D, center, k));
            v.intoArray(row, k);
            greatest = greatest.blend(v, v.compare(VectorOperators.GT, greatest));
        }
        double max = greatest.reduceLanes(VectorOperators.MAX);
        for (; k < width; k++) {
            row[k] = get(logits, base + k) - center[k];
            max = Math.max(max, row[k]);
        }
        Arrays.fill(row, width, row.length, max);
        return max;
    }

    /** {@code (row - max) factor}, twice, for one becomes powers. */
    private static void exponents(Scratch w, float[] powers, double max, double factor, double least) {
        for (int k = 0; k < powers.length; k += DOUBLES) {
            DoubleVector v = DoubleVector.fromArray(D, w.row, k).sub(max).mul(factor);
            v = v.blend(least, v.compare(VectorOperators.LT, least));
            store(v, w.exponents, k);
            store(v, powers, k);
        }
    }

    /** The sum of the powers without the greatest, which is 1; those beyond the width become 0. */
    private double others(Scratch w, float[] powers) {
        Arrays.fill(powers, width, powers.length, 0);
        DoubleVector ones = DoubleVector.zero(D);
        DoubleVector rest = DoubleVector.zero(D);
        for (int k = 0; k < powers.length; k += DOUBLES) {
            DoubleVector v = doubles(powers, k);
            VectorMask<Double> one = v.compare(VectorOperators.EQ, 1.0);
            ones = ones.add(1.0, one);
            rest = rest.add(v.blend(0.0, one));
        }
        return Simd.sum(rest, w.lanes) + (Simd.sum(ones, w.lanes) - 1);
    }

    /** The sum of powers times exponents. */
    private static double along(Scratch w, float[] powers) {
        DoubleVector sum = DoubleVector.zero(D);
        for (int k = 0; k < powers.length; k += DOUBLES) {
            sum = doubles(powers, k).fma(doubles(w.exponents, k), sum);
        }
        return Simd.sum(sum, w.lanes);
    }

    private void gradient(Scratch w, long base, double share, double first, double second, double scale) {
        MemorySegment gradient = op.dstudent.data();
        float[] p = w.teacher[0];
        float[] q = w.teacher[1];
        int k = 0;
        for (; k + DOUBLES <= width; k += DOUBLES) {
            DoubleVector target = doubles(p, k).mul(first).add(doubles(q, k).mul(second));
            store(doubles(w.powers, k).mul(share).sub(target).mul(scale), gradient, base + k);
        }
        for (; k < width; k++) {
            double target = p[k] * first + q[k] * second;
            set(gradient, base + k, (float) ((w.powers[k] * share - target) * scale));
        }
    }

    private void moveCenter(int worker, int from, int to) {
        MemorySegment teacher = op.teacher.data();
        MemorySegment center = op.center.data();
        Arrays.fill(columnSum, from, to, 0);
        for (int row = 0; row < 2 * batch; row++) {
            long base = (long) row * width;
            int k = from;
            for (; k + DOUBLES <= to; k += DOUBLES) {
                DoubleVector.fromArray(D, columnSum, k).add(doubles(teacher, base + k)).intoArray(columnSum, k);
            }
            for (; k < to; k++) {
                columnSum[k] += get(teacher, base + k);
            }
        }
        double momentum = op.config.centerMomentum();
        for (int k = from; k < to; k++) {
            double mean = columnSum[k] / (2 * batch);
            set(center, k, (float) (momentum * get(center, k) + (1 - momentum) * mean));
        }
    }
}
