package io.culvert.optim;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.tensor.ParameterStore;

/**
 * The moving average of a student's values (Grill et al. 2020, equation 1): {@code teacher = tau teacher + (1 - tau)
 * student}, as a step towards the student, so that equal values stay equal. The rate of an update is tau. Running statistics
 * are not averaged: the teacher's come from its own passes.
 */
public final class Ema extends SlabUpdate {
    final ParameterStore student;

    /** @param teacher declares the first of the student's parameters, in their order */
    public Ema(Device device, ParameterStore teacher, ParameterStore student) {
        super(device, teacher, 1);
        this.student = student;
        for (int i = 0; i < teacher.parameters().size(); i++) {
            String own = teacher.parameters().get(i).name();
            if (!own.equals(student.parameters().get(i).name())) {
                throw new IllegalArgumentException(own + " is not the student's parameter number " + i);
            }
        }
        kernel(kernelOf(device));
    }

    private Kernel kernelOf(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuEma(cpu, this);
            case CudaDevice cuda -> new CudaEma(cuda.context(), this);
        };
    }

    @Override
    void rates(double tau) {
        rates[0] = (float) tau;
    }
}
