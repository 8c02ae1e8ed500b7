package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.emulator.ptx.LaunchStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert kernels run}: runs a kernel of any PTX on the interpreter. */
@Command(
        name = "run",
        description = {
            "Runs one launch of a kernel without a GPU, checking every access, and prints what it wrote.",
            "The PTX may be anybody's: compile with 'nvcc -arch=sm_80 -lineinfo --ptx mine.cu' to see source lines."
        },
        footer = {
            "",
            "Examples:",
            "  culvert kernels run softmax softmax_forward_f32 --block 32,8 \\",
            "      buf:f32:74 rand:f32:74:1 2 37",
            "  culvert kernels run mine.ptx saxpy --grid 4 --block 256 --print 0:4 \\",
            "      zero:f32:1000 iota:f32:1000 0.5 1000",
            "",
            "Exit codes: 0 ran   2 wrong usage, or PTX that the interpreter does not know",
            "  3 a file is missing   6 a mistake of the kernel (bounds, uninitialised read,",
            "  alignment, race, barrier): a report names block, thread and lines"
        })
public final class KernelsRunCommand implements Callable<Integer> {
    private static final int SHOWN = 8;

    @Spec
    private CommandSpec spec;

    @Mixin
    private KernelLaunchOptions options;

    @Option(
            names = "--print",
            paramLabel = "I[:N]",
            split = ",",
            description = "Print the first N (8) values of argument I after the run; without it, those that changed.")
    private List<String> prints = List.of();

    @Option(
            names = "--out",
            paramLabel = "I=FILE",
            description = "Write the bytes of argument I to a file. May be given more than once.")
    private Map<Integer, Path> outs = new LinkedHashMap<>();

    @Override
    public Integer call() {
        PtxSource source = options.open();
        KernelLaunch launch = options.launch(source);
        Map<Integer, Long> wanted = wanted(launch.arguments());
        outs.keySet().forEach(index -> buffer(launch.arguments(), "--out", index));
        PrintWriter out = spec.commandLine().getOut();
        LaunchStats stats = options.run(source, launch, spec.commandLine().getErr());
        if (stats == null) {
            return Failures.KERNEL_FAULT;
        }
        print(out, launch.arguments(), wanted);
        out.printf("%d warp instructions, %d thread instructions; 'culvert kernels profile' shows more%n",
                stats.warpInstructions(), stats.threadInstructions());
        out.flush();
        outs.forEach((index, file) -> write(file, launch.arguments().bytes(buffer(launch.arguments(), "--out", index))));
        return 0;
    }

    private Map<Integer, Long> wanted(KernelArguments arguments) {
        Map<Integer, Long> wanted = new LinkedHashMap<>();
        for (String print : prints) {
            if (!print.matches("\\d{1,4}(:\\d{1,9})?")) {
                throw CulvertException.usage("--print '%s': I or I:N is wanted, as 0:16", print);
            }
            String[] parts = print.split(":");
            int index = Integer.parseInt(parts[0]);
            buffer(arguments, "--print", index);
            wanted.put(index, parts.length > 1 ? Long.parseLong(parts[1]) : SHOWN);
        }
        return wanted;
    }

    private static KernelArguments.Buffer buffer(KernelArguments arguments, String option, int index) {
        List<KernelArguments.Buffer> buffers = arguments.buffers();
        if (index < 0 || index >= buffers.size() || buffers.get(index) == null) {
            throw CulvertException.usage("%s %d: argument %d is no buffer", option, index, index);
        }
        return buffers.get(index);
    }

    private static void print(PrintWriter out, KernelArguments arguments, Map<Integer, Long> wanted) {
        for (int i = 0; i < arguments.buffers().size(); i++) {
            KernelArguments.Buffer buffer = arguments.buffers().get(i);
            boolean shown = wanted.isEmpty() ? buffer != null && arguments.changed(buffer) : wanted.containsKey(i);
            if (shown) {
                String values = arguments.text(buffer, wanted.getOrDefault(i, (long) SHOWN));
                out.printf("argument %d  %s  %s%n", i, buffer.text(), values);
            }
        }
    }

    private static void write(Path file, byte[] bytes) {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot write: %s", file, e.getMessage());
        }
    }
}
