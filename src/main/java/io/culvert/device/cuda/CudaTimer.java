package io.culvert.device.cuda;

import io.culvert.CulvertException;
import io.culvert.profile.DeviceTimer;

/** A timer of the compute stream, which shows operations as ranges to NVIDIA's profilers too. */
interface CudaTimer extends DeviceTimer, AutoCloseable {
    /** By CUPTI's records where they can be had, else by events, whose {@link #source} says why. */
    static CudaTimer of(CudaStream stream) {
        Cupti cupti;
        try {
            cupti = Cupti.subscribe();
        } catch (CulvertException e) {
            return new EventTimer(stream, e.getMessage());
        }
        return new CuptiTimer(stream, cupti);
    }

    @Override
    void close();
}
