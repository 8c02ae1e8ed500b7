package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.Nearest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns a failure into what the user sees: one line on the error stream and an exit code. A failure that the user
 * cannot mend is the program's own fault: its stack trace goes to a file, so that the one line can name it.
 */
final class Failures {
    /** The exit code of a fault of the program itself. */
    static final int INTERNAL = 1;

    /** The exit code of a mistake of a kernel that {@code culvert kernels} was asked to run. */
    static final int KERNEL_FAULT = 6;

    private final PrintWriter err;
    private final boolean stacktrace;

    Failures(PrintWriter err, boolean stacktrace) {
        this.err = err;
        this.stacktrace = stacktrace;
    }

    /** Prints what happened and returns the process exit code. */
    int report(Throwable failure) {
        if (stacktrace) {
            failure.printStackTrace(err);
        }
        if (failure instanceof CulvertException mendable) {
            err.println("culvert: error: " + oneLine(mendable.getMessage()));
            err.flush();
            return mendable.kind().exitCode;
        }
        String trace =
                stacktrace ? "" : "; stack trace in " + writeTrace(failure) + " (or run again with --stacktrace)";
        err.println("culvert: internal error: " + oneLine(failure.toString()) + remedy(failure) + trace);
        err.flush();
        return INTERNAL;
    }

    /** Prints what is wrong with the command line, with what was probably meant; exit code 2. */
    static int usage(ParameterException exception) {
        CommandLine command = exception.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("culvert: error: " + oneLine(exception.getMessage()) + meant(exception) + "; see '"
                + command.getCommandSpec().qualifiedName() + " --help'");
        err.flush();
        return CulvertException.Kind.USAGE.exitCode;
    }

    private static String meant(ParameterException exception) {
        if (!(exception instanceof UnmatchedArgumentException unmatched)) {
            return "";
        }
        String given = unmatched.getUnmatched().get(0);
        CommandSpec spec = exception.getCommandLine().getCommandSpec();
        return Nearest.hint(
                given,
                given.startsWith("-")
                        ? spec.optionsMap().keySet()
                        : spec.subcommands().keySet());
    }

    private static String remedy(Throwable failure) {
        return failure instanceof OutOfMemoryError ? "; lower batch_size or give the JVM more memory (-Xmx)" : "";
    }

    private static String writeTrace(Throwable failure) {
        try {
            Path file = Files.createTempFile("culvert-error-", ".log");
            try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file, StandardCharsets.UTF_8))) {
                out.println("culvert " + Version.culvert() + ", " + Version.platform());
                failure.printStackTrace(out);
            }
            return file.toString();
        } catch (IOException e) {
            return "no file (" + e.getMessage() + ")";
        }
    }

    private static String oneLine(String message) {
        return message == null ? "(no message)" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
