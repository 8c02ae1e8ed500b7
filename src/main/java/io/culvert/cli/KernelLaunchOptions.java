package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.KernelFault;
import io.culvert.emulator.ptx.LaunchStats;
import io.culvert.emulator.ptx.PtxException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code kernels run} and {@code kernels profile} have in common: which kernel, in what shape, on what. */
final class KernelLaunchOptions {
    @Parameters(
            paramLabel = "FILE.ptx KERNEL ARG",
            arity = "0..*",
            description = "A PTX file or a shipped module's name, a kernel in it, the kernel's arguments (see below).")
    private List<String> words = List.of();

    @Option(names = "--grid", paramLabel = "X[,Y,Z]", description = "Blocks of the grid (1).")
    private String grid = "1";

    @Option(names = "--block", paramLabel = "X[,Y,Z]", description = "Threads of a block; wanted.")
    private String block;

    @Option(names = "--shared", paramLabel = "BYTES", description = "Dynamic shared memory of a block (0).")
    private int shared;

    @Option(
            names = "--order",
            paramLabel = "ORDER",
            description = "Order of blocks and warps: forward (the default), reverse or shuffled:SEED. A correct kernel "
                    + "gives the same in any.")
    private String order = "forward";

    @Option(names = "--no-race-check", description = "Do not look for races on shared memory.")
    private boolean noRaces;

    @Option(names = "--no-uninitialised-check", description = "Let the kernel read what nothing has written.")
    private boolean noUninitialised;

    @Option(
            names = "--budget",
            paramLabel = "N",
            description = "Instructions that a warp may execute before it is held to be in an endless loop.")
    private Long budget;

    boolean given() {
        return !words.isEmpty();
    }

    /** Parses the PTX and places the arguments. */
    PtxSource open() {
        if (words.size() < 2) {
            throw CulvertException.usage(
                    words.isEmpty() ? "no PTX file given" : "no kernel of %1$s given; see 'culvert kernels list %1$s'",
                    words.toArray());
        }
        return PtxSource.open(words.get(0));
    }

    KernelLaunch launch(PtxSource source) {
        if (block == null) {
            throw CulvertException.usage("how many threads has a block? Give --block, as --block 256");
        }
        KernelLaunch launch = new KernelLaunch(
                source.kernel(words.get(1)),
                KernelLaunch.extent("--grid", grid),
                KernelLaunch.extent("--block", block),
                shared,
                words.subList(2, words.size()));
        launch.interpreter().findRaces(!noRaces).findUninitialised(!noUninitialised);
        if (budget != null) {
            launch.interpreter().instructionBudget(budget);
        }
        return launch;
    }

    /** Runs the launch; after a mistake of the kernel, prints a report of it and gives null. */
    LaunchStats run(PtxSource source, KernelLaunch launch, PrintWriter err) {
        try {
            return launch.run(order());
        } catch (KernelFault fault) {
            report(source, fault, err);
            return null;
        } catch (PtxException e) {
            throw CulvertException.usage("%s: %s", source.name(), e.getMessage());
        }
    }

    private ExecutionOrder order() {
        if (order.matches("shuffled:\\d{1,18}")) {
            return ExecutionOrder.shuffled(Long.parseLong(order.substring("shuffled:".length())));
        }
        return switch (order) {
            case "forward" -> ExecutionOrder.FORWARD;
            case "reverse" -> ExecutionOrder.REVERSE;
            default ->
                throw CulvertException.usage("--order '%s' is none of forward, reverse, shuffled:SEED", order);
        };
    }

    private static void report(PtxSource source, KernelFault fault, PrintWriter err) {
        err.printf("culvert: kernel fault: %s in %s%n", fault.kind(), fault.kernel());
        err.printf("  what    %s%n", fault.what());
        err.printf("  means   %s%n", meaning(fault.kind()));
        err.printf("  where   block %s, thread %s%n", fault.block(), fault.thread());
        err.printf("  PTX     %s, line %d: %s%n", source.name(), fault.ptxLine(), source.line(fault.ptxLine()));
        err.printf(
                "  source  %s%n",
                fault.source().isEmpty() ? "unknown: compile with nvcc -lineinfo to see it" : fault.source());
        err.flush();
    }

    private static String meaning(KernelFault.Kind kind) {
        return switch (kind) {
            case BAD_LAUNCH -> "no GPU would take this launch";
            case OUT_OF_BOUNDS -> "the address is in no buffer";
            case USE_AFTER_FREE -> "the buffer was given back";
            case MISALIGNED -> "the address is no multiple of the size of the access";
            case UNINITIALISED -> "nothing has written what is read";
            case READ_ONLY -> "constant memory is written";
            case SHARED_RACE -> "two threads touch a byte of shared memory, one writes, and no barrier orders them";
            case DIVERGED_BARRIER -> "part of a warp reaches a barrier";
            case MISSED_BARRIER -> "threads wait at a barrier that others of the block never reach";
            case DIVERGED_WARP -> "lanes named in the member mask do not execute the instruction";
            case COPY_IN_FLIGHT -> "the destination of a cp.async is touched before its wait";
            case TRAP -> "the kernel stopped itself";
            case CALL_DEPTH -> "functions call each other without end";
            case UNSUPPORTED -> "the interpreter does not run this: nothing was computed wrongly, nothing was computed";
            case INSTRUCTION_BUDGET -> "an endless loop, or give more with --budget";
        };
    }
}
