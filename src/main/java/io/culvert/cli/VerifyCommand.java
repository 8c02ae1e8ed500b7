package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.device.Device;
import io.culvert.train.Run;
import io.culvert.verify.CaseOutcome;
import io.culvert.verify.Verifier;
import io.culvert.verify.VerifyReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert verify}: holds the program against conformance vectors. */
@Command(
        name = "verify",
        description = {
            "Computes conformance vectors and compares with the outputs and gradients that they expect.",
            "A vector is a .safetensors file made by another program (PyTorch, scikit-learn): an operation, loss, model, "
                    + "optimiser, transform or metric with its inputs."
        },
        footer = {
            "",
            "Example:",
            "  culvert verify src/test/resources/vectors",
            "",
            "Exit codes: 0 every case passes   1 one fails, or there is none   2 a file is malformed or asks for something",
            "unknown"
        })
public final class VerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PATH", arity = "1..*", description = "A vector, or a folder to search for *.safetensors.")
    private List<Path> paths;

    @Option(names = "--device", paramLabel = "NAME", defaultValue = "cpu", description = "Device to compute on: cpu, cuda, or emulator (the CUDA device without a GPU; slow, and strict).")
    private String device;

    @Option(
            names = "--precision",
            paramLabel = "P",
            defaultValue = "fp32",
            description = "fp32; on cuda and emulator also tf32 or bf16. Losses and optimisers stay in fp32.")
    private String precision;

    @Option(
            names = "--tolerance",
            paramLabel = "T",
            description =
                    "Relative error to allow (default: 1e-4, for transforms 5e-3; tf32 2e-3, bf16 2e-2). A case may widen it "
                            + "for itself.")
    private Double tolerance;

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Override
    public Integer call() {
        if (tolerance != null && !(tolerance >= 0)) {
            throw CulvertException.usage("--tolerance: must be at least 0, got %s", tolerance);
        }
        List<Path> files = Verifier.find(paths);
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try (Device opened = Run.open(device, 0, precision)) {
            VerifyReport report = new VerifyReport(opened.describe(), files);
            Verifier verifier =
                    new Verifier(opened, tolerance == null ? OptionalDouble.empty() : OptionalDouble.of(tolerance));
            print(out, json ? "" : report.heading());
            for (Path file : files) {
                CaseOutcome outcome = verifier.run(file);
                report.add(outcome);
                print(out, json ? "" : report.row(outcome));
                print(err, outcome.message().isEmpty() ? "" : "culvert: error: " + outcome.message());
            }
            print(out, json ? report.json() : report.summary());
            print(err, files.isEmpty() ? "culvert: error: no .safetensors file found under " + paths : "");
            return report.exitCode();
        }
    }

    /** Rows appear as they are computed, even through a pipe. */
    private static void print(PrintWriter writer, String line) {
        if (!line.isEmpty()) {
            writer.println(line);
            writer.flush();
        }
    }
}
