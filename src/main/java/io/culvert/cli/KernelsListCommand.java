package io.culvert.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.emulator.ptx.PtxKernel;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert kernels list}: what kernels there are and what they take. */
@Command(
        name = "list",
        description = {
            "Shows the kernels of the modules that ship, or of PTX files: parameters, registers, shared memory.",
            "Registers are PTX's, by type; the driver's assembler maps them to fewer of the hardware."
        },
        footer = {
            "",
            "Examples:",
            "  culvert kernels list                    every shipped module",
            "  culvert kernels list softmax mine.ptx   one of them, and a file",
            "  culvert kernels list --json softmax"
        })
public final class KernelsListCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE.ptx", arity = "0..*", description = "A PTX file, or the name of a shipped module.")
    private List<String> files;

    @Option(names = "--json", description = "Print one JSON array instead of text.")
    private boolean json;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        ArrayNode array = new ObjectMapper().createArrayNode();
        for (String file : files == null ? PtxSource.shipped() : files) {
            PtxSource source = PtxSource.open(file);
            if (json) {
                source.module().kernels().values().forEach(kernel -> describe(array.addObject(), source, kernel));
            } else {
                out.printf("%s  (PTX %s, %s)%n", file, source.module().version(), source.module().target());
                source.module().kernels().values().forEach(kernel -> out.println(text(kernel)));
            }
        }
        if (json) {
            out.println(array.toPrettyString());
        }
        out.flush();
    }

    private static String text(PtxKernel kernel) {
        return "  %s%n      parameters  %s%n      registers   %s%n      shared      %d bytes   instructions %d   threads at most %d"
                .formatted(
                        kernel.name(),
                        kernel.parameters().stream()
                                .map(KernelsListCommand::text)
                                .collect(Collectors.joining(", ")),
                        kernel.registers().entrySet().stream()
                                .map(entry -> entry.getKey() + " " + entry.getValue())
                                .collect(Collectors.joining(", ")),
                        kernel.staticSharedBytes(),
                        kernel.instructionCount(),
                        kernel.maxThreads());
    }

    /** {@code u64}; for a structure by value {@code 40 bytes align 8}. */
    private static String text(PtxKernel.Parameter parameter) {
        boolean structure = parameter.type().equals("b8") && parameter.bytes() > 1;
        return structure ? parameter.bytes() + " bytes align " + parameter.align() : parameter.type();
    }

    private static void describe(ObjectNode node, PtxSource source, PtxKernel kernel) {
        node.put("file", source.name()).put("kernel", kernel.name());
        node.put("ptx", source.module().version()).put("target", source.module().target());
        ArrayNode parameters = node.putArray("parameters");
        for (PtxKernel.Parameter parameter : kernel.parameters()) {
            parameters
                    .addObject()
                    .put("name", parameter.name())
                    .put("type", parameter.type())
                    .put("bytes", parameter.bytes())
                    .put("align", parameter.align())
                    .put("offset", parameter.offset());
        }
        ObjectNode registers = node.putObject("registers");
        kernel.registers().forEach(registers::put);
        node.put("static_shared_bytes", kernel.staticSharedBytes())
                .put("local_bytes", kernel.localBytes())
                .put("instructions", kernel.instructionCount())
                .put("max_threads", kernel.maxThreads());
    }
}
