package io.culvert.ops.dino;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.LossOp;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The self-distillation of DINO (Caron et al. 2021, equations 1 to 3 and algorithm 1): the mean over pairs of different
 * crops, the teacher's t among the first two and the student's s among all, and over the images of
 *
 * <pre>-sum over k of P_t(k) log P_s(k),  P_t = softmax((g_t - center) / T_t),  P_s = softmax(g_s / T_s)</pre>
 *
 * <p>The pair of a crop with itself does not count, which leaves {@code 2 crops - 2}. Afterwards the centre follows the
 * teacher, {@code center = m center + (1 - m) mean(g_t)}, in every forward pass.
 *
 * <p>Beside the loss it gives the teacher's entropy, the mean over its rows of {@code -sum over k of P_t(k) log P_t(k)}: 0
 * where it answers with one prototype, {@code ln K} where it has no opinion. The loss less this is the mean divergence of
 * the student's distribution from the teacher's.
 *
 * <p>student: {@code [crops * B, K]}, crop after crop, the two that the teacher saw first; teacher: {@code [2B, K]}, center
 * {@code [K]}, both without gradient; loss: {@code [1]}. Forward computes the gradient as well, since all that it needs is at
 * hand then and a loss begins with the derivative 1; backward does nothing.
 */
public final class DinoOp extends LossOp {
    /** One device's kernel. */
    interface Kernel extends OpKernel {
        /** Sets the teacher's temperature for the steps to come. */
        void teacherTemperature(double temperature);

        /** Forward has written the gradient. */
        @Override
        default void backward() {}
    }

    /**
     * @param studentTemperature T_s
     * @param teacherTemperature T_t, until {@link DinoOp#teacherTemperature} changes it
     * @param centerMomentum m
     * @param crops views of an image that the student sees, at least 2
     */
    public record Config(double studentTemperature, double teacherTemperature, double centerMomentum, int crops) {}

    final Tensor student;
    final Tensor teacher;
    final Tensor center;
    final Config config;
    final Tensor entropy;
    Tensor probabilities;
    Tensor rowEntropy;
    Tensor rowLoss;
    Tensor dstudent;
    private double teacherTemperature;
    private Kernel kernel;

    private DinoOp(String name, Tape tape, Tensor student, Tensor teacher, Tensor center, Config config) {
        super(name, tape);
        this.student = student;
        this.teacher = teacher;
        this.center = center;
        this.config = config;
        entropy = tape.keep(Tensor.f32(name + ".teacher_entropy", 1));
        teacherTemperature = config.teacherTemperature;
        tape.record(this);
    }

    /** Records the loss and returns the operation, whose temperature a schedule may change. */
    public static DinoOp record(
            Tape tape, String name, Tensor student, Tensor teacher, Tensor center, Config config) {
        requireF32(name, student, teacher, center);
        if (config.crops < 2 || student.shape().rank() != 2 || student.shape().at(0) % config.crops != 0) {
            throw new IllegalArgumentException(
                    name + ": needs [crops * B, K] with 2 crops or more, got " + config.crops + " and " + student);
        }
        int batch = student.shape().at(0) / config.crops;
        if (teacher.shape().rank() != 2 || teacher.shape().at(0) != 2 * batch
                || teacher.shape().at(1) != student.shape().at(1) || center.shape().count() != student.shape().at(1)) {
            throw new IllegalArgumentException("%s: %s and %s do not fit %s of %d crops"
                    .formatted(name, teacher, center, student, config.crops));
        }
        requireTemperature(name, config.studentTemperature);
        requireTemperature(name, config.teacherTemperature);
        if (!(config.centerMomentum >= 0 && config.centerMomentum <= 1)) {
            throw new IllegalArgumentException(name + ": centre momentum must be from 0 to 1, got " + config.centerMomentum);
        }
        return new DinoOp(name, tape, student, teacher, center, config);
    }

    private static void requireTemperature(String name, double temperature) {
        if (!(temperature > 0)) {
            throw new IllegalArgumentException(name + ": temperature must be positive, got " + temperature);
        }
    }

    /** Sets T_t for the steps to come; creates nothing. */
    public void teacherTemperature(double temperature) {
        requireTemperature(name(), temperature);
        if (temperature != teacherTemperature) {
            teacherTemperature = temperature;
            if (kernel != null) {
                kernel.teacherTemperature(temperature);
            }
        }
    }

    /** {@code [1]}, in nats. */
    public Tensor teacherEntropy() {
        return entropy;
    }

    int batch() {
        return teacher.shape().at(0) / 2;
    }

    int width() {
        return teacher.shape().at(1);
    }

    /** What the sum over rows is divided by: the pairs of all images. */
    double terms() {
        return (2.0 * config.crops - 2) * batch();
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(student, teacher);
    }

    @Override
    public List<Tensor> outputs() {
        return dstudent == null ? List.of(loss(), entropy) : List.of(loss(), entropy, dstudent);
    }

    /** The CPU keeps what it needs of one image on the heap. */
    @Override
    public void choose(Device device) {
        switch (device) {
            case CpuDevice cpu -> {}
            case CudaDevice cuda -> {
                probabilities = Tensor.f32(name() + ".probabilities", 2 * batch(), width());
                rowEntropy = Tensor.f32(name() + ".entropies", 2 * batch());
                rowLoss = Tensor.f32(name() + ".rows", student.shape().at(0));
            }
        }
    }

    @Override
    public List<Tensor> forwardScratch() {
        return probabilities == null ? List.of() : List.of(probabilities, rowEntropy, rowLoss);
    }

    @Override
    public void connect(Tape tape) {
        dstudent = tape.newGradient(student);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dstudent == null ? List.of() : List.of(dstudent);
    }

    /** An exponential counts as one operation. The student reads two rows of the teacher's for one of its own. */
    @Override
    public Cost cost() {
        long bytes = 4 * student.bytes() + 3 * teacher.bytes();
        return new Cost(12 * student.shape().count() + 9 * teacher.shape().count(), bytes, 0, 0);
    }

    @Override
    protected OpKernel bind(Device device) {
        kernel = switch (device) {
            case CpuDevice cpu -> new CpuDino(cpu, this);
            case CudaDevice cuda -> new CudaDino(cuda.context(), this);
        };
        kernel.teacherTemperature(teacherTemperature);
        return kernel;
    }
}
