package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.culvert.bindings.cudnn.cudnn_h;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Batch normalisation of training by graphs of cuDNN, what stands around it included; see {@code BatchNormOp} for the
 * formula. Maps are channels last, {@code [N, H, W, C]} of brain floats (or floats); statistics and what belongs to the
 * parameters are {@code [C]} of floats. {@code INVSTD} is {@code 1 / sqrt(var + eps)}.
 *
 * <p>These are the graphs that cuDNN 9 has engines for, on Ampere and later, with channels that fill 16 bytes:
 *
 * <ul>
 *   <li>forward: normalise, add if there is a residual, ReLU if there is one, and for a residual with a backward half the
 *       mask of what is positive. A sum without a ReLU it has no engine for;
 *   <li>backward without a residual: normalise again with the saved statistics for the sign before the ReLU, mask, gradient;
 *   <li>backward with one: mask by what forward has left, hand the residual its gradient, gradient. A ReLU's gradient from y
 *       it has no engine for.
 * </ul>
 *
 * <p>An output may not lie where an input does: the library reads its inputs twice where they do not fit on the chip.
 */
public final class CudnnBatchNorm {
    /** What every address of a tensor in memory is a multiple of, in bytes. */
    public static final int ALIGNMENT = CudnnGraph.ALIGNMENT;


    /** What a tensor is in these graphs. */
    public enum Role {
        X,
        RESIDUAL,
        Y,
        /** A bit for each element, whose order is the library's own. */
        MASK,
        MEAN,
        INVSTD,
        WEIGHT,
        BIAS,
        EPS,
        DY,
        /** The gradient behind the ReLU: the residual's. */
        DZ,
        DX,
        /** Overwritten, not added to. */
        DWEIGHT,
        DBIAS,
        ZERO
    }

    /**
     * A graph: all that a plan depends on.
     *
     * @param keepsMask whether a forward pass with a residual leaves the mask that its backward pass reads
     */
    public record Form(
            boolean backward, int n, int height, int width, int channels, Element element, boolean relu,
            boolean residual, boolean keepsMask) {
        @Override
        public String toString() {
            return "batch normalisation%s%s %s of [%d,%d,%d,%d] %s".formatted(
                    residual ? " + residual" : "", relu ? " + ReLU" : "", backward ? "backward" : "forward", n, height,
                    width, channels, element);
        }
    }

    /** A graph and its plan; null where the library has no engine. */
    record Choice(CudnnGraph<Role> graph, CudnnGraph<Role>.Plan plan) {}

    private final CudaContext context;
    private final Form form;
    private final CudnnGraph<Role>.Plan plan;

    private CudnnBatchNorm(CudaContext context, Form form, CudnnGraph<Role>.Plan plan) {
        this.context = context;
        this.form = form;
        this.plan = plan;
    }

    /** Whether to ask for a graph at all; the answer is the same before and after memory is planned. */
    public static boolean mayTake(Element element, int channels, boolean relu, boolean residual) {
        return element == Element.BFLOAT16 && channels * element.bytes % ALIGNMENT == 0 && (relu || !residual);
    }

    /** The plan of a graph, made once: empty, after a line to the user, if the library has no engine for it. */
    public static Optional<CudnnBatchNorm> planIfOffered(CudaContext context, Form form) {
        Choice choice = context.dnn().batchNorms().computeIfAbsent(form, key -> {
            CudnnGraph<Role> graph = graph(context.dnn().handle(), form);
            CudnnGraph<Role>.Plan plan = graph.plan().orElse(null);
            if (plan == null) {
                System.err.printf("culvert: note: cuDNN has no engine for %s: our own kernels do it%n", form);
            }
            return new Choice(graph, plan);
        });
        return Optional.ofNullable(choice.plan).map(plan -> new CudnnBatchNorm(context, form, plan));
    }

    /** Bytes of working memory that a run needs. */
    public long workspaceBytes() {
        return plan.bytes();
    }

    /**
     * Ready to be run again and again.
     *
     * @param addresses of all tensors of the graph, multiples of 16, but for {@code EPS} and {@code ZERO}
     * @param workspace {@link #workspaceBytes} of it
     */
    public Runnable bind(Map<Role, Long> addresses, double eps, long workspace) {
        Map<Role, Long> all = new EnumMap<>(addresses);
        MemorySegment scalars = context.hostMemory(2L * Float.BYTES);
        scalars.setAtIndex(JAVA_FLOAT, 0, (float) eps);
        all.put(Role.EPS, scalars.address());
        all.put(Role.ZERO, scalars.address() + Float.BYTES);
        CudnnGraph.Bound bound = plan.bind(all, workspace);
        return () -> {
            int status = bound.run();
            if (status != 0) {
                Cudnn.check(status, "cudnnBackendExecute of " + form);
            }
            context.afterLaunch(form);
        };
    }

    /** The finished graph of {@code form}. */
    static CudnnGraph<Role> graph(MemorySegment handle, Form form) {
        Recorder recorder = new Recorder(new CudnnGraph<>(handle), form);
        if (form.backward) {
            recorder.backward();
        } else {
            recorder.forward();
        }
        return recorder.graph.finish();
    }

    /** Puts a graph together. */
    private record Recorder(CudnnGraph<Role> graph, Form form) {
        private CudnnDescriptor map(Role role) {
            return map(role, form.element.cudnn);
        }

        private CudnnDescriptor map(Role role, int type) {
            return graph.tensor(role, type, form.n, form.channels, form.height, form.width);
        }

        private CudnnDescriptor between(int type) {
            return graph.between(type, form.n, form.channels, form.height, form.width);
        }

        private CudnnDescriptor channels(Role role) {
            return graph.tensor(role, cudnn_h.CUDNN_DATA_FLOAT(), 1, form.channels, 1, 1);
        }

        private CudnnDescriptor norm(int phase, CudnnDescriptor y) {
            return graph.create("normalisation", cudnn_h.CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR())
                    .choice(
                            cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_MODE(), cudnn_h.CUDNN_TYPE_NORM_MODE(),
                            cudnn_h.CUDNN_BATCH_NORM())
                    .choice(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_PHASE(), cudnn_h.CUDNN_TYPE_NORM_FWD_PHASE(), phase)
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_XDESC(), map(Role.X))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC(), channels(Role.MEAN))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC(), channels(Role.INVSTD))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC(), channels(Role.WEIGHT))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC(), channels(Role.BIAS))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_YDESC(), y);
        }

        /** What the first operations hand on is not rounded. */
        void forward() {
            boolean last = !form.relu && !form.residual;
            CudnnDescriptor value = last ? map(Role.Y) : between(cudnn_h.CUDNN_DATA_FLOAT());
            graph.add(norm(cudnn_h.CUDNN_NORM_FWD_TRAINING(), value)
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC(), graph.scalar(Role.EPS)));
            if (form.residual) {
                CudnnDescriptor sum = form.relu ? between(cudnn_h.CUDNN_DATA_FLOAT()) : map(Role.Y);
                graph.add(binary(cudnn_h.CUDNN_POINTWISE_ADD(), value, map(Role.RESIDUAL), sum));
                value = sum;
            }
            if (form.relu) {
                graph.add(graph.pointwise(cudnn_h.CUDNN_POINTWISE_RELU_FWD())
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), value)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), map(Role.Y)));
            }
            if (form.keepsMask) {
                graph.add(binary(
                        cudnn_h.CUDNN_POINTWISE_CMP_GT(), map(Role.Y), graph.scalar(Role.ZERO),
                        map(Role.MASK, cudnn_h.CUDNN_DATA_BOOLEAN())));
            }
        }

        private CudnnDescriptor binary(int mode, CudnnDescriptor x, CudnnDescriptor b, CudnnDescriptor y) {
            return graph.pointwise(mode)
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), x)
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_BDESC(), b)
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), y);
        }

        /** The gradient behind the ReLU has the maps' type even where it never lies in memory: the engines want it so. */
        void backward() {
            CudnnDescriptor dz;
            if (form.residual) {
                dz = map(Role.DZ);
                graph.add(binary(
                        cudnn_h.CUDNN_POINTWISE_MUL(), map(Role.DY), map(Role.MASK, cudnn_h.CUDNN_DATA_BOOLEAN()), dz));
            } else if (form.relu) {
                CudnnDescriptor again = between(cudnn_h.CUDNN_DATA_FLOAT());
                dz = between(form.element.cudnn);
                graph.add(norm(cudnn_h.CUDNN_NORM_FWD_INFERENCE(), again));
                graph.add(graph.pointwise(cudnn_h.CUDNN_POINTWISE_RELU_BWD())
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), again)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_DYDESC(), map(Role.DY))
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_DXDESC(), dz));
            } else {
                dz = map(Role.DY);
            }
            graph.add(graph.create(
                            "gradient of a normalisation", cudnn_h.CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR())
                    .choice(
                            cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_MODE(), cudnn_h.CUDNN_TYPE_NORM_MODE(),
                            cudnn_h.CUDNN_BATCH_NORM())
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_XDESC(), map(Role.X))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC(), channels(Role.MEAN))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC(), channels(Role.INVSTD))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC(), dz)
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC(), channels(Role.WEIGHT))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC(), channels(Role.DWEIGHT))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC(), channels(Role.DBIAS))
                    .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC(), map(Role.DX)));
        }
    }
}
