package io.culvert.ops.dino;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Image by image: the teacher's two distributions in double precision, then each crop of the student against them. */
final class CpuDino implements DinoOp.Kernel {
    /** Columns of the centre that a thread takes at a time: whole cache lines. */
    private static final int COLUMNS = 16;

    private final Workers workers;
    private final DinoOp op;
    private final int batch;
    private final int width;
    private final double[][][] probabilities;
    private final double[] imageLoss;
    private final double[] imageEntropy;
    private final double[] columnSum;
    private final Workers.Range distilTask = this::distil;
    private final Workers.Range centerTask = this::moveCenter;
    private double teacherTemperature;

    CpuDino(CpuDevice cpu, DinoOp op) {
        this.op = op;
        workers = cpu.workers();
        batch = op.batch();
        width = op.width();
        probabilities = new double[workers.threads()][2][width];
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
        double[][] p = probabilities[worker];
        for (int image = from; image < to; image++) {
            imageEntropy[image] = sharpen(p[0], image) + sharpen(p[1], batch + image);
            double loss = 0;
            for (int crop = 0; crop < op.config.crops(); crop++) {
                loss += match((long) (crop * batch + image) * width, crop == 0 ? null : p[0], crop == 1 ? null : p[1]);
            }
            imageLoss[image] = loss;
        }
    }

    /** {@code softmax((g - center) / T)} of a row of the teacher's; returns its entropy. */
    private double sharpen(double[] p, int row) {
        MemorySegment teacher = op.teacher.data();
        MemorySegment center = op.center.data();
        long base = (long) row * width;
        double max = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < width; k++) {
            p[k] = (double) get(teacher, base + k) - get(center, k);
            max = Math.max(max, p[k]);
        }
        double sum = 0;
        double below = 0;
        for (int k = 0; k < width; k++) {
            double exponent = (p[k] - max) / teacherTemperature;
            p[k] = Math.exp(exponent);
            sum += p[k];
            // What is infinitely far below has no share; its product would be NaN.
            below += p[k] > 0 ? p[k] * exponent : p[k];
        }
        for (int k = 0; k < width; k++) {
            p[k] /= sum;
        }
        return Math.log(sum) - below / sum;
    }

    /**
     * The cross-entropy of the student's row at {@code base} with those distributions that are not null, and its gradient. A
     * row that is nearly certain keeps its digits: the sum leaves out the largest element, whose exponential is 1.
     */
    private double match(long base, double[] first, double[] second) {
        MemorySegment student = op.student.data();
        MemorySegment gradient = op.dstudent == null ? null : op.dstudent.data();
        double temperature = op.config.studentTemperature();
        int targets = first == null || second == null ? 1 : 2;
        int top = 0;
        for (int k = 1; k < width; k++) {
            top = get(student, base + k) > get(student, base + top) ? k : top;
        }
        double max = get(student, base + top);
        double others = 0;
        for (int k = 0; k < width; k++) {
            others += k == top ? 0 : Math.exp((get(student, base + k) - max) / temperature);
        }
        double share = 1 / (1 + others);
        double scale = 1 / (temperature * op.terms());
        double loss = targets * Math.log1p(others);
        for (int k = 0; k < width; k++) {
            double below = (get(student, base + k) - max) / temperature;
            double target = (first == null ? 0 : first[k]) + (second == null ? 0 : second[k]);
            loss -= target * below;
            if (gradient != null) {
                set(gradient, base + k, (float) ((targets * Math.exp(below) * share - target) * scale));
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
