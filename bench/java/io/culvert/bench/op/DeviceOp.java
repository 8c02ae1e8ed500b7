package io.culvert.bench.op;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.CulvertException;
import io.culvert.bench.culvert.CulvertOp;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.cuda.CudaCeilings;
import io.culvert.device.cuda.CudaMarks;
import io.culvert.device.cuda.Element;
import io.culvert.ops.Cost;
import io.culvert.profile.Ceilings;
import io.culvert.train.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Operations of {@link OpShape} on a GPU by its own clock, beside what they must do at least and what a large product and a
 * long copy reach on it: one JSON line each. Or, without running them, what they must do and how long that takes a device of
 * given rates. Needs neither JMH nor a peer, so that it can be packed for a machine that has only a driver ({@code bench/gpu}).
 */
public final class DeviceOp {
    private static final String USAGE =
            "DeviceOp time DEVICE PRECISION CALLS ROUNDS CASE... | DeviceOp plan PRECISION TFLOPS TERABYTES_PER_SECOND CASE...";
    /** What {@link Device#repeated} runs as it is before it records. */
    private static final int WARM_UP = 4;

    private DeviceOp() {}

    /** Runs one command, see {@code USAGE}. */
    public static void main(String[] args) {
        try {
            String command = args.length < 5 ? "" : args[0];
            switch (command) {
                case "time" -> time(args[1], args[2], Integer.parseInt(args[3]), Integer.parseInt(args[4]), cases(args, 5), System.out::println);
                case "plan" -> plan(args[1], 1e12 * Double.parseDouble(args[2]), 1e12 * Double.parseDouble(args[3]), cases(args, 4));
                default -> throw CulvertException.usage("%s", USAGE);
            }
        } catch (CulvertException e) {
            System.err.println("culvert: error: " + e.getMessage());
            System.exit(e.kind().exitCode);
        }
    }

    private static List<OpShape> cases(String[] args, int from) {
        return Stream.of(args).skip(from).map(OpShape::parse).toList();
    }

    private static void plan(String precision, double flopsRate, double bytesRate, List<OpShape> shapes) {
        String row = "%-30s %10s %9s %9s %9s %9s";
        System.out.println(String.format(row, "operation, " + precision, "GFLOP", "MB", "FLOP us", "bytes us", "floor us"));
        try (Device device = Run.open("emulator", 0, precision)) {
            for (OpShape shape : shapes) {
                Cost cost = CulvertOp.cost(device, shape);
                System.out.println(line(row, shape + " forward", cost.forwardFlops(), cost.forwardBytes(), flopsRate, bytesRate));
                System.out.println(line(row, shape + " backward", cost.backwardFlops(), cost.backwardBytes(), flopsRate, bytesRate));
            }
        }
    }

    private static String line(String row, String name, long flops, long bytes, double flopsRate, double bytesRate) {
        double compute = 1e6 * flops / flopsRate;
        double memory = 1e6 * bytes / bytesRate;
        return String.format(
                row, name, decimals(3, flops / 1e9), decimals(2, bytes / 1e6), decimals(2, compute), decimals(2, memory),
                decimals(2, Math.max(compute, memory)));
    }

    private static String decimals(int places, double value) {
        return String.format(Locale.ROOT, "%." + places + "f", value);
    }

    /** Measures on a device by its name in configurations. */
    static void time(
            String name, String precision, int calls, int rounds, List<OpShape> shapes, Consumer<ObjectNode> lines) {
        try (Device device = Run.open(name, 0, precision)) {
            if (!(device instanceof CudaDevice cuda)) {
                throw CulvertException.usage("only a GPU has a clock of its own: take device cuda or emulator, not %s", name);
            }
            Ceilings ceilings = name.equals("emulator")
                    ? Ceilings.unmeasured(cuda.describe(), "on the emulator time means nothing")
                    : CudaCeilings.measure(
                            cuda.context(), cuda.describe(),
                            cuda.precision() == Precision.BF16 ? Element.BFLOAT16 : Element.FLOAT, CudaCeilings.Sizes.USUAL);
            lines.accept(new ObjectMapper().createObjectNode()
                    .put("bench", "ceilings").put("device", ceilings.device()).put("precision", precision)
                    .put("flops_per_s", ceilings.flops()).put("bytes_per_s", ceilings.bytes()).put("launch_s", ceilings.launch())
                    .put("how", ceilings.how()));
            for (OpShape shape : shapes) {
                time(cuda, precision, calls, rounds, shape, ceilings, lines);
            }
        }
    }

    private static void time(
            CudaDevice cuda, String precision, int calls, int rounds, OpShape shape, Ceilings ceilings,
            Consumer<ObjectNode> lines) {
        Cost cost = CulvertOp.cost(cuda, shape);
        try (CulvertOp op = new CulvertOp(cuda, shape)) {
            op.forward();
            double output = op.outputNorm();
            lines.accept(line(
                            "op_forward", precision, shape, seconds(cuda, op::forward, calls, rounds), ceilings,
                            cost.forwardFlops(), cost.forwardBytes())
                    .put("result", output));
        }
        // Operands of their own for either, for DINO's centre moves.
        try (CulvertOp op = new CulvertOp(cuda, shape)) {
            op.train();
            double gradient = op.gradientNorm();
            lines.accept(line(
                            "op_train", precision, shape, seconds(cuda, op::train, calls, rounds), ceilings,
                            cost.forwardFlops() + cost.backwardFlops(), cost.forwardBytes() + cost.backwardBytes())
                    .put("result", gradient));
        }
    }

    /** Of a call, sorted: several calls are one graph, so that the device never waits for the host. */
    private static List<Double> seconds(CudaDevice cuda, Runnable call, int calls, int rounds) {
        Runnable graph = cuda.repeated("calls of one operation", () -> {
            for (int i = 0; i < calls; i++) {
                call.run();
            }
        });
        for (int i = 0; i < WARM_UP; i++) {
            graph.run();
        }
        List<Double> seconds = new ArrayList<>();
        CudaMarks marks = cuda.context().marks();
        marks.begin();
        for (int i = 0; i < rounds; i++) {
            graph.run();
            marks.mark();
        }
        marks.await(rounds);
        for (int i = 0; i < rounds; i++) {
            seconds.add(marks.nanos(i) / 1e9 / calls);
        }
        cuda.context().dropGraphs();
        return seconds.stream().sorted().toList();
    }

    private static ObjectNode line(
            String bench, String precision, OpShape shape, List<Double> seconds, Ceilings ceilings, long flops, long bytes) {
        double median = (seconds.get((seconds.size() - 1) / 2) + seconds.get(seconds.size() / 2)) / 2;
        ObjectNode line = new ObjectMapper().createObjectNode()
                .put("bench", bench).put("side", "culvert").put("shape", shape.toString()).put("precision", precision)
                .put("median_s", median).put("flops", flops).put("bytes", bytes);
        if (ceilings.measured()) {
            line.put("of_product", flops / median / ceilings.flops()).put("of_copy", bytes / median / ceilings.bytes());
        }
        seconds.forEach(line.putArray("seconds")::add);
        return line;
    }
}
