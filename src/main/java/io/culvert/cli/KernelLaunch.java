package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.emulator.ptx.DeviceMemory;
import io.culvert.emulator.ptx.Dim3;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.Interpreter;
import io.culvert.emulator.ptx.KernelFault;
import io.culvert.emulator.ptx.Launch;
import io.culvert.emulator.ptx.LaunchStats;
import io.culvert.emulator.ptx.PtxKernel;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** A kernel with its grid and arguments, in a simulated memory of its own. */
final class KernelLaunch {
    private static final Pattern EXTENT = Pattern.compile("\\d{1,9}(,\\d{1,9}){0,2}");

    private final Interpreter interpreter;
    private final Launch launch;
    private final KernelArguments arguments;

    /** @throws CulvertException (usage) if the arguments do not fit the kernel, or no GPU would take the launch */
    KernelLaunch(PtxKernel kernel, Dim3 grid, Dim3 block, int sharedBytes, List<String> texts) {
        DeviceMemory memory = new DeviceMemory();
        interpreter = new Interpreter(memory);
        arguments = new KernelArguments(kernel, texts, memory);
        try {
            launch = new Launch(kernel, grid, block, sharedBytes, arguments.packed(), Launch.SHARED_OPT_IN);
        } catch (KernelFault refused) {
            throw CulvertException.usage("%s: %s", kernel.name(), refused.what());
        }
    }

    /** {@code 3}, {@code 3,2} or {@code 3,2,1}. */
    static Dim3 extent(String option, String text) {
        if (!EXTENT.matcher(text).matches()) {
            throw CulvertException.usage("%s '%s': x, x,y or x,y,z is wanted, as 32,8", option, text);
        }
        int[] parts = Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
        return new Dim3(parts[0], parts.length > 1 ? parts[1] : 1, parts.length > 2 ? parts[2] : 1);
    }

    Interpreter interpreter() {
        return interpreter;
    }

    Launch launch() {
        return launch;
    }

    KernelArguments arguments() {
        return arguments;
    }

    /** @throws KernelFault for the first mistake found */
    LaunchStats run(ExecutionOrder order) {
        return interpreter.run(launch, order);
    }
}
