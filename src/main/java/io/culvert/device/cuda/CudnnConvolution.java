package io.culvert.device.cuda;

import static io.culvert.bindings.cudnn.cudnn_h.CUDNN_CROSS_CORRELATION;
import static io.culvert.bindings.cudnn.cudnn_h.CUDNN_DATA_FLOAT;
import static io.culvert.bindings.cudnn.cudnn_h.CUDNN_FMA_MATH;
import static io.culvert.bindings.cudnn.cudnn_h.CUDNN_TENSOR_NHWC;

import io.culvert.CulvertException;
import io.culvert.bindings.cudnn.cudnnConvolutionBwdDataAlgoPerfStruct;
import io.culvert.bindings.cudnn.cudnnConvolutionBwdFilterAlgoPerfStruct;
import io.culvert.bindings.cudnn.cudnnConvolutionFwdAlgoPerfStruct;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.device.ConvGeometry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The three convolutions of one layer by cuDNN, channels last: x {@code [N, H, W, I]}, weight {@code [O, kh, kw, I]}, y
 * {@code [N, OH, OW, O]}, all single precision. Algorithms are chosen when the layer is built, among those that the
 * library says it can run; the weight gradient accumulates.
 */
public final class CudnnConvolution {
    private static final int CANDIDATES = 8;

    private final Cudnn dnn;
    private final String name;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment weight;
    private final MemorySegment convolution;
    private final Plan forward;
    private final Plan backwardData;
    private final Plan backwardFilter;

    /** An algorithm and the workspace that it asks for. */
    private record Plan(int algorithm, long bytes, MemorySegment workspace) {}

    /** @param gradients whether backward will be run */
    public CudnnConvolution(CudaContext context, ConvGeometry g, boolean gradients) {
        dnn = context.dnn();
        name = g.toString();
        x = tensor(g.n(), g.in(), g.height(), g.width());
        y = tensor(g.n(), g.out(), g.outHeight(), g.outWidth());
        weight = Cudnn.create(cudnn_h::cudnnCreateFilterDescriptor, "cudnnCreateFilterDescriptor");
        Cudnn.check(
                cudnn_h.cudnnSetFilter4dDescriptor(
                        weight, CUDNN_DATA_FLOAT(), CUDNN_TENSOR_NHWC(), g.out(), g.in(), g.kernel(), g.kernel()),
                "cudnnSetFilter4dDescriptor");
        convolution = Cudnn.create(cudnn_h::cudnnCreateConvolutionDescriptor, "cudnnCreateConvolutionDescriptor");
        Cudnn.check(
                cudnn_h.cudnnSetConvolution2dDescriptor(
                        convolution, g.padding(), g.padding(), g.stride(), g.stride(), 1, 1,
                        CUDNN_CROSS_CORRELATION(), CUDNN_DATA_FLOAT()),
                "cudnnSetConvolution2dDescriptor");
        Cudnn.check(cudnn_h.cudnnSetConvolutionMathType(convolution, CUDNN_FMA_MATH()), "cudnnSetConvolutionMathType");
        forward = forwardPlan();
        backwardData = gradients ? backwardDataPlan() : null;
        backwardFilter = gradients ? backwardFilterPlan() : null;
    }

    private static MemorySegment tensor(int n, int c, int h, int w) {
        MemorySegment tensor = Cudnn.create(cudnn_h::cudnnCreateTensorDescriptor, "cudnnCreateTensorDescriptor");
        Cudnn.check(
                cudnn_h.cudnnSetTensor4dDescriptor(tensor, CUDNN_TENSOR_NHWC(), CUDNN_DATA_FLOAT(), n, c, h, w),
                "cudnnSetTensor4dDescriptor(%d, %d, %d, %d)".formatted(n, c, h, w));
        return tensor;
    }

    private Plan plan(int algorithm, long bytes) {
        return new Plan(
                algorithm,
                bytes,
                bytes == 0 ? MemorySegment.NULL : MemorySegment.ofAddress(dnn.context().workspace(bytes)));
    }

    private CulvertException none(String call) {
        return CulvertException.device("%s: cuDNN has no algorithm for %s, single precision, channels last", call, name);
    }

    private Plan forwardPlan() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment found = cudnnConvolutionFwdAlgoPerfStruct.allocateArray(CANDIDATES, call);
            int count = Cudnn.intOf(
                    out -> cudnn_h.cudnnGetConvolutionForwardAlgorithm_v7(
                            dnn.handle(), x, weight, convolution, y, CANDIDATES, out, found),
                    "cudnnGetConvolutionForwardAlgorithm_v7 for " + name);
            for (int i = 0; i < count; i++) {
                MemorySegment candidate = cudnnConvolutionFwdAlgoPerfStruct.asSlice(found, i);
                if (cudnnConvolutionFwdAlgoPerfStruct.status(candidate) == 0) {
                    return plan(
                            cudnnConvolutionFwdAlgoPerfStruct.algo(candidate),
                            cudnnConvolutionFwdAlgoPerfStruct.memory(candidate));
                }
            }
            throw none("forward");
        }
    }

    private Plan backwardDataPlan() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment found = cudnnConvolutionBwdDataAlgoPerfStruct.allocateArray(CANDIDATES, call);
            int count = Cudnn.intOf(
                    out -> cudnn_h.cudnnGetConvolutionBackwardDataAlgorithm_v7(
                            dnn.handle(), weight, y, convolution, x, CANDIDATES, out, found),
                    "cudnnGetConvolutionBackwardDataAlgorithm_v7 for " + name);
            for (int i = 0; i < count; i++) {
                MemorySegment candidate = cudnnConvolutionBwdDataAlgoPerfStruct.asSlice(found, i);
                if (cudnnConvolutionBwdDataAlgoPerfStruct.status(candidate) == 0) {
                    return plan(
                            cudnnConvolutionBwdDataAlgoPerfStruct.algo(candidate),
                            cudnnConvolutionBwdDataAlgoPerfStruct.memory(candidate));
                }
            }
            throw none("backward data");
        }
    }

    /** Only deterministic algorithms: a resumed run must repeat bit for bit. */
    private Plan backwardFilterPlan() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment found = cudnnConvolutionBwdFilterAlgoPerfStruct.allocateArray(CANDIDATES, call);
            int count = Cudnn.intOf(
                    out -> cudnn_h.cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                            dnn.handle(), x, y, convolution, weight, CANDIDATES, out, found),
                    "cudnnGetConvolutionBackwardFilterAlgorithm_v7 for " + name);
            for (int i = 0; i < count; i++) {
                MemorySegment candidate = cudnnConvolutionBwdFilterAlgoPerfStruct.asSlice(found, i);
                if (cudnnConvolutionBwdFilterAlgoPerfStruct.status(candidate) == 0
                        && cudnnConvolutionBwdFilterAlgoPerfStruct.determinism(candidate)
                                == cudnn_h.CUDNN_DETERMINISTIC()) {
                    return plan(
                            cudnnConvolutionBwdFilterAlgoPerfStruct.algo(candidate),
                            cudnnConvolutionBwdFilterAlgoPerfStruct.memory(candidate));
                }
            }
            throw none("backward filter");
        }
    }

    /** {@code y = x * w}. */
    public void forward(MemorySegment toY, MemorySegment fromX, MemorySegment fromW) {
        int status = cudnn_h.cudnnConvolutionForward(
                dnn.handle(), dnn.one(), x, fromX, weight, fromW, convolution, forward.algorithm, forward.workspace,
                forward.bytes, dnn.zero(), y, toY);
        if (status != 0) {
            Cudnn.check(status, "cudnnConvolutionForward of " + name);
        }
        dnn.context().afterLaunch("cudnnConvolutionForward");
    }

    /** {@code dx = dy * w^T}. */
    public void backwardData(MemorySegment toDx, MemorySegment fromDy, MemorySegment fromW) {
        int status = cudnn_h.cudnnConvolutionBackwardData(
                dnn.handle(), dnn.one(), weight, fromW, y, fromDy, convolution, backwardData.algorithm,
                backwardData.workspace, backwardData.bytes, dnn.zero(), x, toDx);
        if (status != 0) {
            Cudnn.check(status, "cudnnConvolutionBackwardData of " + name);
        }
        dnn.context().afterLaunch("cudnnConvolutionBackwardData");
    }

    /** {@code dw += x^T * dy}. */
    public void backwardFilter(MemorySegment toDw, MemorySegment fromX, MemorySegment fromDy) {
        int status = cudnn_h.cudnnConvolutionBackwardFilter(
                dnn.handle(), dnn.one(), x, fromX, y, fromDy, convolution, backwardFilter.algorithm,
                backwardFilter.workspace, backwardFilter.bytes, dnn.one(), weight, toDw);
        if (status != 0) {
            Cudnn.check(status, "cudnnConvolutionBackwardFilter of " + name);
        }
        dnn.context().afterLaunch("cudnnConvolutionBackwardFilter");
    }
}
