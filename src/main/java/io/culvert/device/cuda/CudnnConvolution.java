package io.culvert.device.cuda;

import io.culvert.CulvertException;
import io.culvert.bindings.cudnn.cudnnConvolutionFwdAlgoPerfStruct;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.device.ConvGeometry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The three convolutions of one layer by cuDNN, channels last: x {@code [N, H, W, I]}, weight {@code [O, kh, kw, I]}, y
 * {@code [N, OH, OW, O]}, all of one type, with sums in single precision. Algorithms are chosen when the layer is built,
 * see {@link ConvolutionSearch}. The gradient of the weights is always of floats and accumulates.
 */
public final class CudnnConvolution {
    private static final int CANDIDATES = 8;
    private static final int ALIGNMENT = 256;
    private static final int THREADS = 256;

    /** What is computed from what; the library has a function for each. */
    enum Direction {
        FORWARD("cudnnConvolutionForward"),
        BACKWARD_DATA("cudnnConvolutionBackwardData"),
        BACKWARD_FILTER("cudnnConvolutionBackwardFilter");

        private final String call;

        Direction(String call) {
            this.call = call;
        }
    }

    /** An algorithm, the arithmetic that it uses, and the workspace that it asks for. */
    record Plan(int algorithm, int math, long bytes) {}

    private final Cudnn dnn;
    private final CudaContext context;
    private final ConvGeometry geometry;
    private final Element element;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment weight;
    private final Map<Direction, MemorySegment> convolutions = new EnumMap<>(Direction.class);
    private final Runnable forward;
    private Runnable backwardData;
    private Runnable backwardFilter;

    /**
     * Chooses the algorithm of the forward direction.
     *
     * @param element of x, y and weight
     */
    public CudnnConvolution(
            CudaContext context, ConvGeometry g, Element element, long toY, long fromX, long fromWeight) {
        dnn = context.dnn();
        this.context = context;
        this.geometry = g;
        this.element = element;
        x = Cudnn.map(element, g.n(), g.in(), g.height(), g.width());
        y = Cudnn.map(element, g.n(), g.out(), g.outHeight(), g.outWidth());
        weight = Cudnn.create(cudnn_h::cudnnCreateFilterDescriptor, "cudnnCreateFilterDescriptor");
        Cudnn.check(
                cudnn_h.cudnnSetFilter4dDescriptor(
                        weight, element.cudnn, cudnn_h.CUDNN_TENSOR_NHWC(), g.out(), g.in(), g.kernel(), g.kernel()),
                "cudnnSetFilter4dDescriptor");
        forward = planned(Direction.FORWARD, toY, fromX, fromWeight, false);
    }

    /** Chooses the algorithm of {@code dx = dy * w^T}. */
    public void planBackwardData(long toDx, long fromDy, long fromWeight) {
        backwardData = planned(Direction.BACKWARD_DATA, toDx, fromDy, fromWeight, false);
    }

    /**
     * Chooses the algorithm of {@code dw += x^T dy}.
     *
     * @param toDweight of floats
     */
    public void planBackwardFilter(long toDweight, long fromX, long fromDy) {
        backwardFilter = element == Element.FLOAT
                ? planned(Direction.BACKWARD_FILTER, toDweight, fromX, fromDy, true)
                : throughScratch(toDweight, fromX, fromDy);
    }

    /** cuDNN leaves a gradient of the type of x and y; a launch adds it to the floats. */
    private Runnable throughScratch(long toDweight, long fromX, long fromDy) {
        Plan plan = choose(Direction.BACKWARD_FILTER);
        long offset = (plan.bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        int count = Math.toIntExact(count(Direction.BACKWARD_FILTER));
        long workspace = context.workspace(offset + (long) count * element.bytes);
        long scratch = workspace + offset;
        Runnable gradient = bind(Direction.BACKWARD_FILTER, plan, workspace, scratch, fromX, fromDy, false);
        CudaLaunch add = context.launch("elementwise", "accumulate_bf16")
                .grid(context.blocks(count, 8 * THREADS)).block(THREADS)
                .pointer(toDweight).pointer(scratch).int32(count);
        return () -> {
            gradient.run();
            add.run();
        };
    }

    private Runnable planned(Direction direction, long to, long first, long second, boolean accumulate) {
        Plan plan = choose(direction);
        long workspace = plan.bytes == 0 ? 0 : context.workspace(plan.bytes);
        return bind(direction, plan, workspace, to, first, second, accumulate);
    }

    private Plan choose(Direction direction) {
        convolutions.put(direction, convolution());
        Plan plan = dnn.search().choose(this, direction, candidates(direction));
        setMath(direction, plan.math);
        return plan;
    }

    /** One for each direction, because an algorithm comes with its arithmetic. */
    private MemorySegment convolution() {
        MemorySegment made =
                Cudnn.create(cudnn_h::cudnnCreateConvolutionDescriptor, "cudnnCreateConvolutionDescriptor");
        Cudnn.check(
                cudnn_h.cudnnSetConvolution2dDescriptor(
                        made, geometry.padding(), geometry.padding(), geometry.stride(), geometry.stride(), 1, 1,
                        cudnn_h.CUDNN_CROSS_CORRELATION(), cudnn_h.CUDNN_DATA_FLOAT()),
                "cudnnSetConvolution2dDescriptor");
        Cudnn.check(cudnn_h.cudnnSetConvolutionMathType(made, math()), "cudnnSetConvolutionMathType");
        return made;
    }

    private boolean exact() {
        return element == Element.FLOAT && !context.tf32();
    }

    private int math() {
        if (exact()) {
            return cudnn_h.CUDNN_FMA_MATH();
        }
        return element == Element.FLOAT ? cudnn_h.CUDNN_DEFAULT_MATH() : cudnn_h.CUDNN_TENSOR_OP_MATH();
    }

    void setMath(Direction direction, int math) {
        Cudnn.check(
                cudnn_h.cudnnSetConvolutionMathType(convolutions.get(direction), math), "cudnnSetConvolutionMathType");
    }

    /** What the library can run, the one first that it thinks fastest; backward only what repeats bit for bit. */
    private List<Plan> candidates(Direction direction) {
        List<Plan> plans = new ArrayList<>();
        try (Arena call = Arena.ofConfined()) {
            // The library's structures for the three directions are one and the same.
            MemorySegment found = cudnnConvolutionFwdAlgoPerfStruct.allocateArray(CANDIDATES, call);
            MemorySegment convolution = convolutions.get(direction);
            int count = Cudnn.intOf(
                    out -> switch (direction) {
                        case FORWARD -> cudnn_h.cudnnGetConvolutionForwardAlgorithm_v7(
                                dnn.handle(), x, weight, convolution, y, CANDIDATES, out, found);
                        case BACKWARD_DATA -> cudnn_h.cudnnGetConvolutionBackwardDataAlgorithm_v7(
                                dnn.handle(), weight, y, convolution, x, CANDIDATES, out, found);
                        case BACKWARD_FILTER -> cudnn_h.cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                                dnn.handle(), x, y, convolution, weight, CANDIDATES, out, found);
                    },
                    "algorithms for " + describe(direction));
            for (int i = 0; i < count; i++) {
                MemorySegment one = cudnnConvolutionFwdAlgoPerfStruct.asSlice(found, i);
                boolean repeats = cudnnConvolutionFwdAlgoPerfStruct.determinism(one) == cudnn_h.CUDNN_DETERMINISTIC();
                if (cudnnConvolutionFwdAlgoPerfStruct.status(one) == 0 && (direction == Direction.FORWARD || repeats)) {
                    int math = exact() ? cudnn_h.CUDNN_FMA_MATH() : cudnnConvolutionFwdAlgoPerfStruct.mathType(one);
                    plans.add(new Plan(
                            cudnnConvolutionFwdAlgoPerfStruct.algo(one), math,
                            cudnnConvolutionFwdAlgoPerfStruct.memory(one)));
                }
            }
        }
        if (plans.isEmpty()) {
            throw CulvertException.device("cuDNN has no repeatable algorithm for %s", describe(direction));
        }
        return plans;
    }

    /** Elements of the result. */
    long count(Direction direction) {
        return switch (direction) {
            case FORWARD -> geometry.outputs();
            case BACKWARD_DATA -> geometry.inputs();
            case BACKWARD_FILTER -> geometry.weights();
        };
    }

    /** Bytes of the result and of the two operands, in the order of {@link #bind}. */
    long[] bytes(Direction direction) {
        long in = geometry.inputs() * element.bytes;
        long out = geometry.outputs() * element.bytes;
        long filter = geometry.weights() * element.bytes;
        return switch (direction) {
            case FORWARD -> new long[] {out, in, filter};
            case BACKWARD_DATA -> new long[] {in, out, filter};
            case BACKWARD_FILTER -> new long[] {filter, in, out};
        };
    }

    /** What the choice of an algorithm depends on, beside the machine. */
    String describe(Direction direction) {
        return "%s %s %s%s".formatted(
                direction.name().toLowerCase(Locale.ROOT), geometry, element.name().toLowerCase(Locale.ROOT),
                exact() ? " exact" : "");
    }

    /**
     * A call that is ready to be made again and again.
     *
     * @param first y's or dy's other operand: x forward, dy for dx, x for dw
     * @param second weight, or dy for dw
     */
    Runnable bind(
            Direction direction, Plan plan, long workspace, long to, long first, long second, boolean accumulate) {
        MemorySegment result = MemorySegment.ofAddress(to);
        MemorySegment a = MemorySegment.ofAddress(first);
        MemorySegment b = MemorySegment.ofAddress(second);
        MemorySegment scratch = MemorySegment.ofAddress(workspace);
        MemorySegment convolution = convolutions.get(direction);
        MemorySegment keep = accumulate ? dnn.one() : dnn.zero();
        return () -> {
            int status = switch (direction) {
                case FORWARD -> cudnn_h.cudnnConvolutionForward(
                        dnn.handle(), dnn.one(), x, a, weight, b, convolution, plan.algorithm, scratch, plan.bytes,
                        keep, y, result);
                case BACKWARD_DATA -> cudnn_h.cudnnConvolutionBackwardData(
                        dnn.handle(), dnn.one(), weight, b, y, a, convolution, plan.algorithm, scratch, plan.bytes,
                        keep, x, result);
                case BACKWARD_FILTER -> cudnn_h.cudnnConvolutionBackwardFilter(
                        dnn.handle(), dnn.one(), x, a, y, b, convolution, plan.algorithm, scratch, plan.bytes, keep,
                        weight, result);
            };
            if (status != 0) {
                Cudnn.check(status, direction.call + " of " + describe(direction));
            }
            context.afterLaunch(direction.call);
        };
    }

    /** {@code y = x * w}. */
    public void forward() {
        forward.run();
    }

    /** {@code dx = dy * w^T}, as planned. */
    public void backwardData() {
        backwardData.run();
    }

    /** {@code dw += x^T * dy}, as planned. */
    public void backwardFilter() {
        backwardFilter.run();
    }
}
