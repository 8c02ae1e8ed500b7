package io.culvert.ops.dino;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaFloats;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.CudaSum;

/** {@code kernels/dino.cu}. */
final class CudaDino implements DinoOp.Kernel {
    private static final int THREADS = 256;
    private static final int COLUMNS = 32;

    private final CudaFloats rates;
    private final CudaLaunch[] forward;

    CudaDino(CudaContext cuda, DinoOp op) {
        int rows = op.student.shape().at(0);
        int width = op.width();
        double temperature = op.config.studentTemperature();
        double momentum = op.config.centerMomentum();
        rates = new CudaFloats(cuda, "rates of the loss", 1);
        forward = new CudaLaunch[] {
            cuda.launch("dino", "dino_teacher_f32").teams(cuda, 2 * op.batch(), width)
                    .pointer(op.probabilities.address()).pointer(op.rowEntropy.address()).pointer(op.teacher.address()).pointer(op.center.address())
                    .pointer(rates.address()).int32(2 * op.batch()).int32(width),
            cuda.launch("dino", "dino_student_f32").teams(cuda, rows, width)
                    .pointer(op.rowLoss.address()).pointer(op.dstudent == null ? 0 : op.dstudent.address())
                    .pointer(op.student.address()).pointer(op.probabilities.address())
                    .int32(rows).int32(op.batch()).int32(width)
                    .float32(1 / temperature).float32(1 / (temperature * op.terms())),
            CudaSum.of(cuda, op.entropy.address(), op.rowEntropy.address(), 2 * op.batch(), 0.5 / op.batch()),
            CudaSum.of(cuda, op.loss().address(), op.rowLoss.address(), rows, 1 / op.terms()),
            cuda.launch("dino", "dino_center_f32").grid((width + COLUMNS - 1) / COLUMNS).block(THREADS)
                    .pointer(op.center.address()).pointer(op.teacher.address()).int32(2 * op.batch()).int32(width)
                    .float32(momentum).float32(1 - momentum)
        };
    }

    @Override
    public void teacherTemperature(double temperature) {
        rates.send((float) (1 / temperature));
    }

    @Override
    public void forward() {
        CudaLaunch.runAll(forward);
    }
}
