package io.culvert.device;

import io.culvert.CulvertException;
import io.culvert.emulator.Emulator;
import io.culvert.ranks.Launch;
import io.culvert.ranks.Rendezvous;
import java.lang.foreign.Arena;

/** One of two ranks with an emulated GPU each, a process of its own; in the fifth step something happens to rank 1. */
final class EmulatedWaiter {
    private static final int BYTES = 64;
    private static final int STEPS = 20;
    private static final int NCCL_SYSTEM_ERROR = 2;

    private EmulatedWaiter() {}

    /** @param arguments what happens: hangs, network, gpu, fails, nothing */
    public static void main(String... arguments) throws InterruptedException {
        Emulator emulator = Emulator.install();
        Launch launch = Launch.of(System.getenv());
        try (Arena arena = Arena.ofConfined();
                CudaDevice device = CudaDevice.open(0, Precision.FP32, launch, "")) {
            // Only now: processes may take long to start.
            System.setProperty(Rendezvous.TIMEOUT, "3");
            CudaGroup group = device.group();
            Buffer buffer = device.allocate("values", BYTES);
            Runnable average = device.repeated("exchange", () -> group.average(buffer, 0, BYTES));
            for (int step = 0; step < STEPS; step++) {
                if (step == 5 && launch.rank() == 1) {
                    befall(arguments[0], emulator, device, buffer);
                }
                group.beginPass(step, 0);
                average.run();
                buffer.read(0, arena.allocate(BYTES));
                group.endPass();
            }
            group.leave();
            device.free(buffer);
        }
        System.out.printf("leaks %s%n", emulator.leaks());
    }

    private static void befall(String what, Emulator emulator, CudaDevice device, Buffer buffer) throws InterruptedException {
        switch (what) {
            case "hangs" -> Thread.sleep(Long.MAX_VALUE);
            case "network" -> emulator.stickCollectives(NCCL_SYSTEM_ERROR);
            case "gpu" -> emulator.stickCollectives(0);
            case "fails" -> {
                // In the middle of a step: what is given back first waits for the GPU, which waits for the others.
                device.group().average(buffer, 0, BYTES);
                emulator.stickCollectives(0);
                device.group().abandon(CulvertException.data("the disk is full"));
                device.free(buffer);
            }
            default -> {}
        }
    }
}
