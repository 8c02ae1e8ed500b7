package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.emulator.GraphLoops.Operation;
import io.culvert.emulator.GraphLoops.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * cuDNN's graph interface: descriptors are bags of typed attributes, checked when they are finished, and an engine for the
 * graphs of batch normalisation that cuDNN 9.24 has engines for (found by asking that library, for an H100).
 */
final class SimulatedGraphs {
    private static final int BAD_PARAM = 2000;
    private static final int NOT_INITIALIZED = 1001;
    private static final int NOT_SUPPORTED = 3000;

    /** Types of attributes. */
    private static final int HANDLE = 0;

    private static final int DATA_TYPE = 1;
    private static final int BOOLEAN = 2;
    private static final int INT64 = 3;
    private static final int VOID_PTR = 6;
    private static final int HEUR_MODE = 8;
    private static final int POINTWISE_MODE = 14;
    private static final int NUMERICAL_NOTE = 11;
    private static final int DESCRIPTOR = 15;
    private static final int NORM_MODE = 27;
    private static final int NORM_PHASE = 28;

    private static final int BATCH_NORM = 2;
    private static final int TRAINING = 1;
    private static final int RESULTS = 202;
    private static final int ENGINE = 300;
    private static final int NUMERICAL_NOTES = 1303;
    private static final int NONDETERMINISTIC = 4;
    private static final int WORKSPACE_SIZE = 402;

    /** Asked for so that the caller's workspace is exercised; all of it is overwritten. */
    private static final long WORKSPACE = 8192;

    /** Elements of a row must fill what an engine loads at once. */
    private static final int LOAD_BYTES = 16;

    /** Kinds of descriptors, by their numbers, with their attributes: number, type; required ones first. */
    private enum Kind {
        POINTWISE(0, 2, 0, POINTWISE_MODE, 1, DATA_TYPE),
        ENGINE(2, 0),
        ENGINECFG(3, 0),
        ENGINEHEUR(4, 2, 201, DESCRIPTOR, 200, HEUR_MODE),
        EXECUTION_PLAN(5, 2, 400, HANDLE, 401, DESCRIPTOR),
        OPERATION_POINTWISE(
                13, 1, 750, DESCRIPTOR, 751, DESCRIPTOR, 752, DESCRIPTOR, 753, DESCRIPTOR, 756, DESCRIPTOR, 757, DESCRIPTOR),
        OPERATIONGRAPH(15, 2, 800, HANDLE, 801, DESCRIPTOR),
        VARIANT_PACK(16, 3, 1000, INT64, 1001, VOID_PTR, 1003, VOID_PTR),
        TENSOR(17, 5, 900, INT64, 901, DATA_TYPE, 902, INT64, 903, INT64, 906, INT64, 907, BOOLEAN, 908, BOOLEAN),
        NORM_FORWARD(
                29, 8, 2000, NORM_MODE, 2001, NORM_PHASE, 2002, DESCRIPTOR, 2003, DESCRIPTOR, 2004, DESCRIPTOR, 2005,
                DESCRIPTOR, 2006, DESCRIPTOR, 2013, DESCRIPTOR, 2007, DESCRIPTOR),
        NORM_BACKWARD(
                30, 9, 2100, NORM_MODE, 2101, DESCRIPTOR, 2102, DESCRIPTOR, 2103, DESCRIPTOR, 2104, DESCRIPTOR, 2105,
                DESCRIPTOR, 2107, DESCRIPTOR, 2108, DESCRIPTOR, 2109, DESCRIPTOR);

        final int number;
        final List<Integer> required = new ArrayList<>();
        final Map<Integer, Integer> types = new HashMap<>();

        Kind(int number, int required, int... attributes) {
            this.number = number;
            for (int i = 0; i < attributes.length; i += 2) {
                types.put(attributes[i], attributes[i + 1]);
                if (i / 2 < required) {
                    this.required.add(attributes[i]);
                }
            }
        }

        static Kind of(int number) {
            for (Kind kind : values()) {
                if (kind.number == number) {
                    return kind;
                }
            }
            throw new SimulatedError(NOT_SUPPORTED, "descriptors of type %d", number);
        }
    }

    /** A bag of attributes; what it means is worked out when it is finished. */
    private static final class Descriptor {
        final Kind kind;
        final Map<Integer, long[]> values = new HashMap<>();
        boolean finished;
        Object meaning;

        Descriptor(Kind kind) {
            this.kind = kind;
        }

        long first(int attribute) {
            return values.get(attribute)[0];
        }
    }

    private record Pointwise(int mode) {}

    /** Operations in an order in which each finds its operands. */
    record Graph(long handle, List<Operation> operations, String refusal) {}

    private record Plan(Graph graph) {}

    private record Pack(Map<Long, Long> pointers, long workspace) {}

    private final Handles handles;
    private final SimulatedDriver driver;
    private boolean refusing;
    private boolean varying;
    private int runs;

    SimulatedGraphs(Handles handles, SimulatedDriver driver) {
        this.handles = handles;
        this.driver = driver;
    }

    /** Whether no graph is offered an engine. */
    void refuse(boolean refuse) {
        refusing = refuse;
    }

    /** Whether engines do not repeat bit for bit. */
    void vary(boolean vary) {
        varying = vary;
    }

    /** How many graphs were run. */
    int runs() {
        return runs;
    }

    void create(int type, MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new Descriptor(Kind.of(type))));
    }

    void destroy(MemorySegment descriptor) {
        handles.remove(descriptor, Descriptor.class);
    }

    void set(MemorySegment descriptor, int attribute, int type, long count, MemorySegment values) {
        Descriptor bag = handles.get(descriptor, Descriptor.class);
        if (bag.finished) {
            throw new SimulatedError(BAD_PARAM, "%s is finished: attribute %d comes too late", bag.kind, attribute);
        }
        Integer wanted = bag.kind.types.get(attribute);
        if (wanted == null) {
            throw new SimulatedError(NOT_SUPPORTED, "%s with attribute %d", bag.kind, attribute);
        }
        if (wanted != type || count < 1 || values.address() == 0) {
            throw new SimulatedError(
                    BAD_PARAM, "%s: attribute %d is of type %d, not %d times type %d", bag.kind, attribute, wanted, count,
                    type);
        }
        long[] read = new long[Math.toIntExact(count)];
        for (int i = 0; i < read.length; i++) {
            read[i] = switch (type) {
                case INT64, HANDLE, VOID_PTR, DESCRIPTOR -> values.getAtIndex(JAVA_LONG, i);
                case BOOLEAN -> values.getAtIndex(JAVA_BYTE, i);
                default -> values.getAtIndex(JAVA_INT, i);
            };
        }
        bag.values.put(attribute, read);
    }

    void finish(MemorySegment descriptor) {
        Descriptor bag = handles.get(descriptor, Descriptor.class);
        for (int attribute : bag.kind.required) {
            if (!bag.values.containsKey(attribute)) {
                throw new SimulatedError(BAD_PARAM, "%s without attribute %d", bag.kind, attribute);
            }
        }
        bag.meaning = switch (bag.kind) {
            case POINTWISE -> pointwise(bag);
            case TENSOR -> tensor(bag);
            case OPERATION_POINTWISE -> operation(bag);
            case NORM_FORWARD -> forward(bag);
            case NORM_BACKWARD -> backward(bag);
            case OPERATIONGRAPH -> graph(bag);
            case ENGINEHEUR -> part(bag, 201, Graph.class);
            case EXECUTION_PLAN -> new Plan(part(bag, 401, Graph.class));
            case VARIANT_PACK -> pack(bag);
            case ENGINE, ENGINECFG -> throw new SimulatedError(NOT_SUPPORTED, "an engine of one's own making");
        };
        bag.finished = true;
    }

    private <T> T part(Descriptor bag, int attribute, Class<T> type) {
        return part(bag.first(attribute), type);
    }

    private <T> T part(long address, Class<T> type) {
        Descriptor found = handles.get(MemorySegment.ofAddress(address), Descriptor.class);
        if (!found.finished || !type.isInstance(found.meaning)) {
            throw new SimulatedError(
                    BAD_PARAM, "%s, %s, where a finished %s is wanted", found.kind,
                    found.finished ? "finished" : "not finished", type.getSimpleName());
        }
        return type.cast(found.meaning);
    }

    private Tensor optional(Descriptor bag, int attribute) {
        return bag.values.containsKey(attribute) ? part(bag, attribute, Tensor.class) : null;
    }

    private static Pointwise pointwise(Descriptor bag) {
        if (bag.first(1) != GraphLoops.FLOAT) {
            throw new SimulatedError(NOT_SUPPORTED, "element by element in type %d", bag.first(1));
        }
        return new Pointwise((int) bag.first(0));
    }

    private static Tensor tensor(Descriptor bag) {
        long[] dims = bag.values.get(902);
        long[] strides = bag.values.get(903);
        long alignment = bag.first(900);
        int type = (int) bag.first(901);
        if (dims.length != 4 || strides.length != 4 || alignment < 1 || Long.bitCount(alignment) != 1) {
            throw new SimulatedError(
                    BAD_PARAM, "a tensor of %d dimensions, %d strides, aligned to %d", dims.length, strides.length,
                    alignment);
        }
        if (type != GraphLoops.FLOAT && type != GraphLoops.BFLOAT16 && type != GraphLoops.BOOLEAN) {
            throw new SimulatedError(NOT_SUPPORTED, "tensors of type %d", type);
        }
        long[] packed = {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
        for (int i = 0; i < 4; i++) {
            if (dims[i] < 1 || strides[i] < 1 || dims[i] > 1 && strides[i] != packed[i]) {
                throw new SimulatedError(NOT_SUPPORTED, "extent %d with stride %d: only packed NHWC", dims[i], strides[i]);
            }
        }
        boolean virtual = bag.values.containsKey(907) && bag.first(907) != 0;
        boolean byValue = bag.values.containsKey(908) && bag.first(908) != 0;
        if (virtual && byValue) {
            throw new SimulatedError(BAD_PARAM, "a tensor that is virtual and a value");
        }
        return new Tensor(bag.first(906), type, dims[0], dims[1], dims[2], dims[3], virtual, byValue, alignment);
    }

    private Operation operation(Descriptor bag) {
        int mode = part(bag, 750, Pointwise.class).mode;
        Tensor x = optional(bag, 751);
        Tensor b = optional(bag, 752);
        Tensor y = optional(bag, 753);
        Tensor dx = optional(bag, 756);
        Tensor dy = optional(bag, 757);
        boolean gradient = mode == GraphLoops.RELU_BWD;
        boolean binary = mode == GraphLoops.ADD || mode == GraphLoops.MUL || mode == GraphLoops.CMP_GT;
        if (!gradient && !binary && mode != GraphLoops.RELU_FWD) {
            throw new SimulatedError(NOT_SUPPORTED, "element by element, mode %d", mode);
        }
        if (x == null || (y == null) != gradient || (b == null) == binary || (dx == null) == gradient
                || (dy == null) == gradient) {
            throw new SimulatedError(BAD_PARAM, "element by element, mode %d, without one of its operands or with more", mode);
        }
        Tensor to = gradient ? dx : y;
        Tensor second = gradient ? dy : b;
        if (!x.sameExtents(to) || second != null && !second.sameExtents(to) && second.count() != 1) {
            throw new SimulatedError(BAD_PARAM, "element by element, mode %d: %s and %s to %s", mode, x, second, to);
        }
        return new Operation.Pointwise(mode, x, second, to);
    }

    private Operation forward(Descriptor bag) {
        Tensor x = part(bag, 2002, Tensor.class);
        Tensor y = part(bag, 2013, Tensor.class);
        boolean training = bag.first(2001) == TRAINING;
        if (training != bag.values.containsKey(2007)) {
            throw new SimulatedError(BAD_PARAM, "an epsilon belongs to training, and to nothing else");
        }
        Operation.Norm norm = new Operation.Norm(
                training, x, y, part(bag, 2003, Tensor.class), part(bag, 2004, Tensor.class),
                part(bag, 2005, Tensor.class), part(bag, 2006, Tensor.class), training ? part(bag, 2007, Tensor.class) : null);
        require(bag.first(2000) == BATCH_NORM, "normalisation in mode %d", bag.first(2000));
        require(x.sameExtents(y), "%s to %s", x, y);
        requireChannels(x, norm.mean(), norm.invStd(), norm.weight(), norm.bias());
        require(!training || norm.epsilon().byValue() && norm.epsilon().type() == GraphLoops.FLOAT, "epsilon: a float by value");
        return norm;
    }

    private Operation backward(Descriptor bag) {
        Operation.NormGradient gradient = new Operation.NormGradient(
                part(bag, 2101, Tensor.class), part(bag, 2104, Tensor.class), part(bag, 2109, Tensor.class),
                part(bag, 2102, Tensor.class), part(bag, 2103, Tensor.class), part(bag, 2105, Tensor.class),
                part(bag, 2107, Tensor.class), part(bag, 2108, Tensor.class));
        require(bag.first(2100) == BATCH_NORM, "normalisation in mode %d", bag.first(2100));
        require(
                gradient.x().sameExtents(gradient.dy()) && gradient.x().sameExtents(gradient.dx()), "%s, %s, %s",
                gradient.x(), gradient.dy(), gradient.dx());
        requireChannels(
                gradient.x(), gradient.mean(), gradient.invStd(), gradient.weight(), gradient.dweight(), gradient.dbias());
        return gradient;
    }

    private static void requireChannels(Tensor x, Tensor... ofChannels) {
        for (Tensor tensor : ofChannels) {
            require(
                    tensor.count() == x.c() && tensor.c() == x.c() && tensor.type() == GraphLoops.FLOAT,
                    "%s for the channels of %s", tensor, x);
        }
    }

    private static void require(boolean holds, String otherwise, Object... arguments) {
        if (!holds) {
            throw new SimulatedError(BAD_PARAM, "%s", String.format(Locale.ROOT, otherwise, arguments));
        }
    }

    private Graph graph(Descriptor bag) {
        List<Operation> waiting = new ArrayList<>();
        for (long address : bag.values.get(801)) {
            waiting.add(part(address, Operation.class));
        }
        Map<Long, Tensor> known = new HashMap<>();
        Set<Long> written = new HashSet<>();
        for (Operation operation : waiting) {
            operation.tensors().forEach(tensor -> require(
                    known.merge(tensor.uid(), tensor, (a, b) -> a).equals(tensor), "two tensors are number %d", tensor.uid()));
            operation.outputs().forEach(
                    tensor -> require(written.add(tensor.uid()), "tensor %d is written twice", tensor.uid()));
        }
        known.values().forEach(tensor -> require(
                !tensor.virtual() || written.contains(tensor.uid()), "virtual tensor %d comes from nowhere", tensor.uid()));
        List<Operation> ordered = new ArrayList<>();
        Set<Long> ready = new HashSet<>(known.keySet());
        ready.removeAll(written);
        while (!waiting.isEmpty()) {
            Operation next = waiting.stream()
                    .filter(operation -> operation.inputs().stream().allMatch(tensor -> ready.contains(tensor.uid())))
                    .findFirst()
                    .orElseThrow(() -> new SimulatedError(BAD_PARAM, "operations that wait for each other"));
            waiting.remove(next);
            ordered.add(next);
            next.outputs().forEach(tensor -> ready.add(tensor.uid()));
        }
        return new Graph(bag.first(800), ordered, refusal(ordered));
    }

    /** Why there is no engine for these operations, null where there is one. */
    private static String refusal(List<Operation> operations) {
        StringBuilder shape = new StringBuilder();
        for (Operation operation : operations) {
            shape.append(operation.symbol()).append(' ');
        }
        boolean forward = shape.toString().matches("N ((A )?R (> )?)?");
        boolean backward = shape.toString().matches("(\\* |n r )?G ");
        if (!forward && !backward) {
            return "no engine for the pattern " + shape;
        }
        int type = GraphLoops.FLOAT;
        for (Operation operation : operations) {
            if (operation instanceof Operation.Norm norm) {
                type = norm.x().type();
            } else if (operation instanceof Operation.NormGradient gradient) {
                type = gradient.x().type();
            }
        }
        for (Operation operation : operations) {
            for (Tensor tensor : operation.tensors()) {
                if (tensor.virtual() && backward && operation instanceof Operation.NormGradient && tensor.type() != type) {
                    return "a gradient between operations of another type than the maps'";
                }
                if (!tensor.virtual() && tensor.h() * tensor.w() * tensor.n() > 1 && tensor.type() != type
                        && tensor.type() != GraphLoops.BOOLEAN) {
                    return "maps of two types";
                }
                if (tensor.count() > 1 && tensor.c() * (type == GraphLoops.FLOAT ? 4 : 2) % LOAD_BYTES != 0) {
                    return tensor.c() + " channels do not fill " + LOAD_BYTES + " bytes";
                }
            }
            // What is masked by a normalisation made again may not be stored, what is not may: see the class comment.
            if (operation instanceof Operation.Pointwise pointwise && pointwise.mode() == GraphLoops.RELU_BWD
                    && (!pointwise.to().virtual() || !pointwise.x().virtual())) {
                return "a ReLU's gradient in memory, or of a tensor in memory";
            }
        }
        return null;
    }

    private Pack pack(Descriptor bag) {
        long[] uids = bag.values.get(1000);
        long[] pointers = bag.values.get(1001);
        require(uids.length == pointers.length, "%d numbers with %d addresses", uids.length, pointers.length);
        Map<Long, Long> at = new HashMap<>();
        for (int i = 0; i < uids.length; i++) {
            require(at.put(uids[i], pointers[i]) == null, "tensor %d twice", uids[i]);
        }
        return new Pack(at, bag.first(1003));
    }

    /** Engines and what is to be noted of them, the size of a plan's workspace; others are not asked for. */
    void get(
            MemorySegment descriptor, int attribute, int type, long wanted, MemorySegment count, MemorySegment values) {
        Descriptor bag = handles.get(descriptor, Descriptor.class);
        if (!bag.finished) {
            throw new SimulatedError(NOT_INITIALIZED, "%s is not finished", bag.kind);
        }
        if (bag.meaning instanceof Plan && attribute == WORKSPACE_SIZE && type == INT64) {
            values.set(JAVA_LONG, 0, WORKSPACE);
            count.set(JAVA_LONG, 0, 1);
        } else if (bag.kind == Kind.ENGINEHEUR && attribute == RESULTS && type == DESCRIPTOR) {
            Graph graph = (Graph) bag.meaning;
            boolean offered = graph.refusal == null && !refusing;
            if (offered && wanted > 0) {
                fill(values.get(ADDRESS, 0), Kind.ENGINECFG, graph);
            }
            count.set(JAVA_LONG, 0, offered ? 1 : 0);
        } else if (bag.kind == Kind.ENGINECFG && attribute == ENGINE && type == DESCRIPTOR) {
            fill(values.get(ADDRESS, 0), Kind.ENGINE, bag.meaning);
            count.set(JAVA_LONG, 0, 1);
        } else if (bag.kind == Kind.ENGINE && attribute == NUMERICAL_NOTES && type == NUMERICAL_NOTE) {
            boolean noted = varying && wanted > 0;
            if (noted) {
                values.set(JAVA_INT, 0, NONDETERMINISTIC);
            }
            count.set(JAVA_LONG, 0, noted ? 1 : 0);
        } else {
            throw new SimulatedError(NOT_SUPPORTED, "attribute %d of %s", attribute, bag.kind);
        }
    }

    private void fill(MemorySegment result, Kind kind, Object meaning) {
        Descriptor bag = handles.get(result, Descriptor.class);
        require(bag.kind == kind && !bag.finished, "%s where a fresh %s is filled in", bag.kind, kind);
        bag.meaning = meaning;
        bag.finished = true;
    }

    void execute(MemorySegment handle, MemorySegment stream, MemorySegment plan, MemorySegment variantPack) {
        Graph graph = part(plan.address(), Plan.class).graph;
        Pack pack = part(variantPack.address(), Pack.class);
        require(graph.handle == handle.address(), "a graph of another handle");
        require(pack.workspace != 0, "no workspace");
        GraphLoops loops = new GraphLoops(graph.operations, pack.pointers);
        runs++;
        driver.queue(stream, "cudnnBackendExecute", () -> {
            driver.memory().fill(pack.workspace, WORKSPACE, (byte) 0xff);
            loops.run(new Operands(driver.memory(), "cudnnBackendExecute"));
        });
    }
}
