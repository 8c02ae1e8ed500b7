package io.culvert.emulator;

import io.culvert.emulator.ptx.Dim3;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.Interpreter;
import io.culvert.emulator.ptx.KernelFault;
import io.culvert.emulator.ptx.Launch;
import io.culvert.emulator.ptx.PtxException;
import io.culvert.emulator.ptx.PtxKernel;
import io.culvert.emulator.ptx.PtxModule;
import java.lang.foreign.MemorySegment;

/** Runs the kernels of loaded modules by the interpreter. */
final class KernelRunner {
    private final Interpreter interpreter;
    private final KernelCounts counts = new KernelCounts();
    private ExecutionOrder order = ExecutionOrder.FORWARD;

    KernelRunner(Interpreter interpreter) {
        this.interpreter = interpreter;
    }

    /** The order in which blocks and warps run from now on. */
    void order(ExecutionOrder newOrder) {
        order = newOrder;
    }

    /** What all kernels did so far, as {@link KernelCounts#NAMES} lists. */
    long[] counts() {
        return counts.now();
    }

    /** A loaded PTX text. */
    final class Module {
        private final PtxModule ptx;

        private Module(PtxModule ptx) {
            this.ptx = ptx;
        }

        Function function(String name) {
            if (!ptx.kernels().containsKey(name)) {
                throw new SimulatedError(
                        SimulatedDriver.NOT_FOUND, "no kernel '%s', the module has %s", name, ptx.kernels().keySet());
            }
            return new Function(ptx.kernel(name));
        }

        void unload() {
            interpreter.unload(ptx);
        }
    }

    Module load(String text) {
        try {
            PtxModule ptx = PtxModule.parse(text);
            interpreter.load(ptx);
            return new Module(ptx);
        } catch (PtxException e) {
            throw new SimulatedError(SimulatedDriver.INVALID_PTX, "%s", e.getMessage());
        }
    }

    /** A kernel that can be launched. */
    final class Function {
        private final PtxKernel kernel;
        private int sharedLimit = Launch.SHARED_DEFAULT;

        private Function(PtxKernel kernel) {
            this.kernel = kernel;
        }

        String name() {
            return kernel.name();
        }

        /** Allows this much dynamic shared memory a block. */
        void allowShared(int bytes) {
            if (bytes > Launch.SHARED_OPT_IN) {
                throw new SimulatedError(
                        SimulatedDriver.INVALID_VALUE, "%d bytes of shared memory, %d can be had", bytes, Launch.SHARED_OPT_IN);
            }
            sharedLimit = Math.max(sharedLimit, bytes);
        }

        /** Takes the arguments now, as the driver does, and gives back the work of running the kernel. */
        SimulatedStream.Work launch(Dim3 grid, Dim3 block, int sharedBytes, MemorySegment parameters) {
            try {
                Launch launch = Launch.ofPointers(kernel, grid, block, sharedBytes, parameters, sharedLimit);
                return () -> counts.add(interpreter.run(launch, order));
            } catch (KernelFault e) {
                throw new SimulatedError(SimulatedDriver.INVALID_VALUE, "%s", e.getMessage());
            }
        }
    }

    /** The status that a real GPU would give for what went wrong in queued work. */
    static int statusOf(RuntimeException thrown) {
        return switch (thrown) {
            case SimulatedError error -> error.status();
            case KernelFault fault -> switch (fault.kind()) {
                case OUT_OF_BOUNDS, USE_AFTER_FREE, MISALIGNED, UNINITIALISED, READ_ONLY ->
                    SimulatedDriver.ILLEGAL_ADDRESS;
                default -> SimulatedDriver.LAUNCH_FAILED;
            };
            case IllegalArgumentException outside -> SimulatedDriver.ILLEGAL_ADDRESS;
            default -> SimulatedDriver.UNKNOWN;
        };
    }
}
