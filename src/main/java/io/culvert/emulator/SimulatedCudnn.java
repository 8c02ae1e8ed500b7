package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.emulator.Operands.Type;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * libcudnn: two-dimensional convolutions and pooling of channels-last maps of floats or brain floats with sums in floats,
 * forward and backward; and the graphs of {@link SimulatedGraphs}.
 */
@SuppressWarnings("unused") // functions bear their C names and are called from C
final class SimulatedCudnn extends SimulatedLibrary {
    private static final int BAD_PARAM = 2000;
    private static final int NOT_SUPPORTED = 3000;
    private static final int INTERNAL_ERROR = 4000;
    private static final long VERSION = 92_400;

    private static final int NHWC = 1;
    private static final int FLOAT = 0;
    private static final int BFLOAT16 = 9;
    private static final int DEFAULT_MATH = 0;
    private static final int TENSOR_OP_MATH = 1;
    private static final int FMA_MATH = 3;
    private static final int TF32_DROPS = 13;
    private static final int CROSS_CORRELATION = 1;
    private static final int FIRST_ALGORITHM = 1;
    private static final int RESULT_BYTES = 48;
    private static final int PROPAGATE_NAN = 1;
    private static final int DETERMINISTIC = 1;

    /** Asked for so that the caller's workspace is exercised; the last byte is touched. */
    private static final long WORKSPACE = 4096;

    private final Handles handles = new Handles(0x7e20_0000_0000L, BAD_PARAM);
    private final SimulatedDriver driver;
    private final SimulatedGraphs graphs;
    private final Map<Integer, Integer> runs = new HashMap<>();
    private int offered = 1;
    private int refused = -1;

    private static final class Handle {
        MemorySegment stream = MemorySegment.NULL;
    }

    /** Extents of a map or of filters: outermost, channels, height, width. */
    private static class Extents {
        Type type;
        int n;
        int c;
        int h;
        int w;

        void set(int format, int dataType, int outer, int channels, int height, int width) {
            if (format != NHWC || dataType != FLOAT && dataType != BFLOAT16) {
                throw new SimulatedError(
                        NOT_SUPPORTED, "format %d of type %d: only NHWC (1) of float (0) or bfloat16 (9)", format,
                        dataType);
            }
            type = dataType == FLOAT ? Type.FLOAT : Type.BFLOAT16;
            if (outer <= 0 || channels <= 0 || height <= 0 || width <= 0) {
                throw new SimulatedError(BAD_PARAM, "extents %d, %d, %d, %d", outer, channels, height, width);
            }
            n = outer;
            c = channels;
            h = height;
            w = width;
        }

        long count() {
            return (long) n * c * h * w;
        }
    }

    private static final class TensorDescriptor extends Extents {}

    private static final class FilterDescriptor extends Extents {}

    private static final class ConvolutionDescriptor {
        int padding;
        int stride;
        int math = DEFAULT_MATH;
    }

    private static final class PoolingDescriptor {
        /** A mode of no pooling: not set. */
        int mode = -1;

        int height;
        int width;
        int padding;
        int stride;
    }

    SimulatedCudnn(SimulatedDriver driver) {
        this.driver = driver;
        graphs = new SimulatedGraphs(handles, driver);
    }

    SimulatedGraphs graphs() {
        return graphs;
    }

    /** How many algorithms each convolution has; they differ by their number alone. */
    void offer(int algorithms) {
        offered = algorithms;
    }

    /** The algorithm of this number is offered and does not run; -1: all run. */
    void refuse(int algorithm) {
        refused = algorithm;
    }

    /** How often each algorithm was asked to run. */
    Map<Integer, Integer> runs() {
        return runs;
    }

    @Override
    int notSupported() {
        return NOT_SUPPORTED;
    }

    @Override
    int internalError() {
        return INTERNAL_ERROR;
    }

    public long cudnnGetVersion() {
        return VERSION;
    }

    public long cudnnGetCudartVersion() {
        return SimulatedDriver.CUDA_VERSION;
    }

    public MemorySegment cudnnGetErrorString(int status) {
        return Arena.global().allocateFrom("status " + status);
    }

    /** Cut off where it does not fit, as the library does. */
    public void cudnnGetLastErrorString(MemorySegment text, long most) {
        byte[] words = lastError().getBytes(StandardCharsets.UTF_8);
        int fitting = (int) Math.min(words.length, most - 1);
        text.asSlice(0, fitting).copyFrom(MemorySegment.ofArray(words).asSlice(0, fitting));
        text.set(JAVA_BYTE, fitting, (byte) 0);
    }

    public int cudnnCreate(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new Handle()));
        return 0;
    }

    public int cudnnDestroy(MemorySegment handle) {
        handles.remove(handle, Handle.class);
        return 0;
    }

    public int cudnnSetStream(MemorySegment handle, MemorySegment stream) {
        driver.stream(stream);
        handles.get(handle, Handle.class).stream = MemorySegment.ofAddress(stream.address());
        return 0;
    }

    public int cudnnCreateTensorDescriptor(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new TensorDescriptor()));
        return 0;
    }

    public int cudnnDestroyTensorDescriptor(MemorySegment descriptor) {
        handles.remove(descriptor, TensorDescriptor.class);
        return 0;
    }

    public int cudnnSetTensor4dDescriptor(MemorySegment tensor, int format, int type, int n, int c, int h, int w) {
        handles.get(tensor, TensorDescriptor.class).set(format, type, n, c, h, w);
        return 0;
    }

    public int cudnnCreateFilterDescriptor(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new FilterDescriptor()));
        return 0;
    }

    public int cudnnDestroyFilterDescriptor(MemorySegment descriptor) {
        handles.remove(descriptor, FilterDescriptor.class);
        return 0;
    }

    public int cudnnSetFilter4dDescriptor(MemorySegment filter, int type, int format, int k, int c, int h, int w) {
        handles.get(filter, FilterDescriptor.class).set(format, type, k, c, h, w);
        return 0;
    }

    public int cudnnCreateConvolutionDescriptor(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new ConvolutionDescriptor()));
        return 0;
    }

    public int cudnnDestroyConvolutionDescriptor(MemorySegment descriptor) {
        handles.remove(descriptor, ConvolutionDescriptor.class);
        return 0;
    }

    public int cudnnSetConvolution2dDescriptor(
            MemorySegment convolution, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW,
            int mode, int type) {
        if (padH != padW || strideH != strideW || dilationH != 1 || dilationW != 1 || mode != CROSS_CORRELATION
                || type != FLOAT || strideH < 1 || padH < 0) {
            throw new SimulatedError(NOT_SUPPORTED, "this convolution: only square, undilated cross-correlations");
        }
        ConvolutionDescriptor descriptor = handles.get(convolution, ConvolutionDescriptor.class);
        descriptor.padding = padH;
        descriptor.stride = strideH;
        return 0;
    }

    public int cudnnSetConvolutionMathType(MemorySegment convolution, int type) {
        if (type != DEFAULT_MATH && type != TENSOR_OP_MATH && type != FMA_MATH) {
            throw new SimulatedError(NOT_SUPPORTED, "math type %d", type);
        }
        handles.get(convolution, ConvolutionDescriptor.class).math = type;
        return 0;
    }

    /** The geometry of a convolution whose descriptors fit each other. */
    private ConvolutionLoops loops(MemorySegment x, MemorySegment w, MemorySegment convolution, MemorySegment y) {
        TensorDescriptor in = handles.get(x, TensorDescriptor.class);
        FilterDescriptor filter = handles.get(w, FilterDescriptor.class);
        ConvolutionDescriptor how = handles.get(convolution, ConvolutionDescriptor.class);
        TensorDescriptor out = handles.get(y, TensorDescriptor.class);
        int height = (in.h + 2 * how.padding - filter.h) / how.stride + 1;
        int width = (in.w + 2 * how.padding - filter.w) / how.stride + 1;
        if (in.c != filter.c || out.n != in.n || out.c != filter.n || out.h != height || out.w != width) {
            throw new SimulatedError(
                    BAD_PARAM,
                    "[%d,%d,%d,%d] with filters [%d,%d,%d,%d] gives [%d,%d,%d,%d], not [%d,%d,%d,%d] (N, C, H, W)",
                    in.n, in.c, in.h, in.w, filter.n, filter.c, filter.h, filter.w, in.n, filter.n, height, width,
                    out.n, out.c, out.h, out.w);
        }
        if (filter.type != in.type || out.type != in.type) {
            throw new SimulatedError(NOT_SUPPORTED, "%s with filters of %s to %s", in.type, filter.type, out.type);
        }
        if (in.type == Type.BFLOAT16 && how.math == FMA_MATH) {
            throw new SimulatedError(NOT_SUPPORTED, "brain floats without tensor cores");
        }
        return new ConvolutionLoops(
                in.n, in.h, in.w, in.c, out.h, out.w, out.c, filter.h, filter.w, how.stride, how.padding);
    }

    public int cudnnGetConvolutionForwardAlgorithm_v7(
            MemorySegment handle, MemorySegment x, MemorySegment w, MemorySegment convolution, MemorySegment y,
            int wanted, MemorySegment count, MemorySegment results) {
        loops(x, w, convolution, y);
        return algorithms(handle, wanted, count, results);
    }

    public int cudnnGetConvolutionBackwardDataAlgorithm_v7(
            MemorySegment handle, MemorySegment w, MemorySegment y, MemorySegment convolution, MemorySegment x,
            int wanted, MemorySegment count, MemorySegment results) {
        loops(x, w, convolution, y);
        return algorithms(handle, wanted, count, results);
    }

    public int cudnnGetConvolutionBackwardFilterAlgorithm_v7(
            MemorySegment handle, MemorySegment x, MemorySegment y, MemorySegment convolution, MemorySegment w,
            int wanted, MemorySegment count, MemorySegment results) {
        loops(x, w, convolution, y);
        return algorithms(handle, wanted, count, results);
    }

    /** The performance structures of all three directions: algo, status, time, memory, determinism, mathType. */
    private int algorithms(MemorySegment handle, int wanted, MemorySegment count, MemorySegment results) {
        handles.get(handle, Handle.class);
        int given = Math.min(wanted, offered);
        for (int i = 0; i < given; i++) {
            MemorySegment result = results.asSlice((long) i * RESULT_BYTES, RESULT_BYTES);
            result.set(JAVA_INT, 0, FIRST_ALGORITHM + i);
            result.set(JAVA_INT, 4, 0);
            result.set(JAVA_FLOAT, 8, -1f);
            result.set(JAVA_LONG, 16, WORKSPACE);
            result.set(JAVA_INT, 24, DETERMINISTIC);
            result.set(JAVA_INT, 28, 0);
        }
        count.set(JAVA_INT, 0, given);
        return 0;
    }

    private void requirePlan(int algorithm, MemorySegment workspace, long bytes) {
        if (algorithm < FIRST_ALGORITHM || algorithm >= FIRST_ALGORITHM + offered || bytes < WORKSPACE
                || workspace.address() == 0) {
            throw new SimulatedError(
                    BAD_PARAM, "algorithm %d with a workspace of %d bytes: was not offered", algorithm, bytes);
        }
        if (algorithm == refused) {
            throw new SimulatedError(NOT_SUPPORTED, "algorithm %d, although it was offered", algorithm);
        }
        runs.merge(algorithm, 1, Integer::sum);
    }

    private void queue(MemorySegment handle, String name, long workspace, SimulatedStream.Work work) {
        driver.queue(handles.get(handle, Handle.class).stream, name, () -> {
            driver.memory().fill(workspace, WORKSPACE, (byte) 0xff);
            work.run();
        });
    }

    public int cudnnConvolutionForward(
            MemorySegment handle, MemorySegment alpha, MemorySegment xDesc, MemorySegment x, MemorySegment wDesc,
            MemorySegment w, MemorySegment convolution, int algorithm, MemorySegment workspace, long bytes,
            MemorySegment beta, MemorySegment yDesc, MemorySegment y) {
        requirePlan(algorithm, workspace, bytes);
        ConvolutionLoops loops = loops(xDesc, wDesc, convolution, yDesc);
        Numbers numbers = numbers(xDesc, convolution);
        float scale = alpha.get(JAVA_FLOAT, 0);
        float keep = beta.get(JAVA_FLOAT, 0);
        long in = x.address();
        long filter = w.address();
        long out = y.address();
        queue(handle, "cudnnConvolutionForward", workspace.address(), () -> {
            Operands memory = new Operands(driver.memory(), "cudnnConvolutionForward");
            float[] result = loops.forward(
                    numbers.read(memory, "x", in, loops.inputs()), numbers.read(memory, "w", filter, loops.weights()));
            numbers.store(memory, "y", out, result, scale, keep);
        });
        return 0;
    }

    public int cudnnConvolutionBackwardData(
            MemorySegment handle, MemorySegment alpha, MemorySegment wDesc, MemorySegment w, MemorySegment yDesc,
            MemorySegment dy, MemorySegment convolution, int algorithm, MemorySegment workspace, long bytes,
            MemorySegment beta, MemorySegment xDesc, MemorySegment dx) {
        requirePlan(algorithm, workspace, bytes);
        ConvolutionLoops loops = loops(xDesc, wDesc, convolution, yDesc);
        Numbers numbers = numbers(xDesc, convolution);
        float scale = alpha.get(JAVA_FLOAT, 0);
        float keep = beta.get(JAVA_FLOAT, 0);
        long filter = w.address();
        long from = dy.address();
        long out = dx.address();
        queue(handle, "cudnnConvolutionBackwardData", workspace.address(), () -> {
            Operands memory = new Operands(driver.memory(), "cudnnConvolutionBackwardData");
            float[] result = loops.backwardData(
                    numbers.read(memory, "dy", from, loops.outputs()), numbers.read(memory, "w", filter, loops.weights()));
            numbers.store(memory, "dx", out, result, scale, keep);
        });
        return 0;
    }

    public int cudnnConvolutionBackwardFilter(
            MemorySegment handle, MemorySegment alpha, MemorySegment xDesc, MemorySegment x, MemorySegment yDesc,
            MemorySegment dy, MemorySegment convolution, int algorithm, MemorySegment workspace, long bytes,
            MemorySegment beta, MemorySegment wDesc, MemorySegment dw) {
        requirePlan(algorithm, workspace, bytes);
        ConvolutionLoops loops = loops(xDesc, wDesc, convolution, yDesc);
        Numbers numbers = numbers(xDesc, convolution);
        float scale = alpha.get(JAVA_FLOAT, 0);
        float keep = beta.get(JAVA_FLOAT, 0);
        long in = x.address();
        long from = dy.address();
        long out = dw.address();
        queue(handle, "cudnnConvolutionBackwardFilter", workspace.address(), () -> {
            Operands memory = new Operands(driver.memory(), "cudnnConvolutionBackwardFilter");
            float[] result = loops.backwardFilter(
                    numbers.read(memory, "x", in, loops.inputs()), numbers.read(memory, "dy", from, loops.outputs()));
            numbers.store(memory, "dw", out, result, scale, keep);
        });
        return 0;
    }

    public int cudnnBackendCreateDescriptor(int type, MemorySegment out) {
        graphs.create(type, out);
        return 0;
    }

    public int cudnnBackendDestroyDescriptor(MemorySegment descriptor) {
        graphs.destroy(descriptor);
        return 0;
    }

    public int cudnnBackendSetAttribute(
            MemorySegment descriptor, int attribute, int type, long count, MemorySegment values) {
        graphs.set(descriptor, attribute, type, count, values);
        return 0;
    }

    public int cudnnBackendGetAttribute(
            MemorySegment descriptor, int attribute, int type, long wanted, MemorySegment count, MemorySegment values) {
        graphs.get(descriptor, attribute, type, wanted, count, values);
        return 0;
    }

    public int cudnnBackendFinalize(MemorySegment descriptor) {
        graphs.finish(descriptor);
        return 0;
    }

    public int cudnnBackendExecute(MemorySegment handle, MemorySegment plan, MemorySegment pack) {
        graphs.execute(handle, handles.get(handle, Handle.class).stream, plan, pack);
        return 0;
    }

    public int cudnnCreatePoolingDescriptor(MemorySegment out) {
        out.set(ADDRESS, 0, handles.put(new PoolingDescriptor()));
        return 0;
    }

    public int cudnnDestroyPoolingDescriptor(MemorySegment descriptor) {
        handles.remove(descriptor, PoolingDescriptor.class);
        return 0;
    }

    public int cudnnSetPooling2dDescriptor(
            MemorySegment pooling, int mode, int nan, int height, int width, int padH, int padW, int strideH,
            int strideW) {
        if (mode != PoolingLoops.MAX_DETERMINISTIC && mode != PoolingLoops.AVERAGE_INCLUDING_PADDING
                || nan != PROPAGATE_NAN || padH != padW || strideH != strideW) {
            throw new SimulatedError(
                    NOT_SUPPORTED, "pooling in mode %d, NaN %d, padding %d and %d, strides %d and %d", mode, nan, padH,
                    padW, strideH, strideW);
        }
        if (height < 1 || width < 1 || padH < 0 || padH >= Math.min(height, width) || strideH < 1) {
            throw new SimulatedError(
                    BAD_PARAM, "windows of %d x %d, padding %d, stride %d", height, width, padH, strideH);
        }
        PoolingDescriptor descriptor = handles.get(pooling, PoolingDescriptor.class);
        descriptor.mode = mode;
        descriptor.height = height;
        descriptor.width = width;
        descriptor.padding = padH;
        descriptor.stride = strideH;
        return 0;
    }

    /** The geometry of a pooling whose descriptors fit each other. */
    private PoolingLoops loops(MemorySegment pooling, MemorySegment xDesc, MemorySegment yDesc) {
        PoolingDescriptor how = handles.get(pooling, PoolingDescriptor.class);
        TensorDescriptor x = handles.get(xDesc, TensorDescriptor.class);
        TensorDescriptor y = handles.get(yDesc, TensorDescriptor.class);
        if (how.mode < 0 || x.type == null || y.type == null) {
            throw new SimulatedError(BAD_PARAM, "a descriptor that was not set");
        }
        int height = (x.h + 2 * how.padding - how.height) / how.stride + 1;
        int width = (x.w + 2 * how.padding - how.width) / how.stride + 1;
        if (y.n != x.n || y.c != x.c || y.h != height || y.w != width || y.type != x.type) {
            throw new SimulatedError(
                    BAD_PARAM, "[%d,%d,%d,%d] of %s pools to %d x %d, not to [%d,%d,%d,%d] of %s (N, C, H, W)", x.n, x.c,
                    x.h, x.w, x.type, height, width, y.n, y.c, y.h, y.w, y.type);
        }
        return new PoolingLoops(
                how.mode, x.n, x.h, x.w, x.c, y.h, y.w, how.height, how.width, how.stride, how.padding);
    }

    public int cudnnPoolingForward(
            MemorySegment handle, MemorySegment pooling, MemorySegment alpha, MemorySegment xDesc, MemorySegment x,
            MemorySegment beta, MemorySegment yDesc, MemorySegment y) {
        PoolingLoops loops = loops(pooling, xDesc, yDesc);
        Numbers numbers = new Numbers(handles.get(xDesc, TensorDescriptor.class).type, false);
        float scale = alpha.get(JAVA_FLOAT, 0);
        float keep = beta.get(JAVA_FLOAT, 0);
        long in = x.address();
        long out = y.address();
        driver.queue(handles.get(handle, Handle.class).stream, "cudnnPoolingForward", () -> {
            Operands memory = new Operands(driver.memory(), "cudnnPoolingForward");
            float[] result = loops.forward(numbers.read(memory, "x", in, loops.inputs()));
            numbers.store(memory, "y", out, result, scale, keep);
        });
        return 0;
    }

    public int cudnnPoolingBackward(
            MemorySegment handle, MemorySegment pooling, MemorySegment alpha, MemorySegment yDesc, MemorySegment y,
            MemorySegment dyDesc, MemorySegment dy, MemorySegment xDesc, MemorySegment x, MemorySegment beta,
            MemorySegment dxDesc, MemorySegment dx) {
        PoolingLoops loops = loops(pooling, xDesc, yDesc);
        loops(pooling, dxDesc, dyDesc);
        Numbers numbers = new Numbers(handles.get(xDesc, TensorDescriptor.class).type, false);
        float scale = alpha.get(JAVA_FLOAT, 0);
        float keep = beta.get(JAVA_FLOAT, 0);
        long in = x.address();
        long out = y.address();
        long from = dy.address();
        long to = dx.address();
        driver.queue(handles.get(handle, Handle.class).stream, "cudnnPoolingBackward", () -> {
            Operands memory = new Operands(driver.memory(), "cudnnPoolingBackward");
            float[] result = loops.backward(
                    numbers.read(memory, "x", in, loops.inputs()), numbers.read(memory, "y", out, loops.outputs()),
                    numbers.read(memory, "dy", from, loops.outputs()));
            numbers.store(memory, "dx", to, result, scale, keep);
        });
        return 0;
    }

    private Numbers numbers(MemorySegment x, MemorySegment convolution) {
        Type type = handles.get(x, TensorDescriptor.class).type;
        int math = handles.get(convolution, ConvolutionDescriptor.class).math;
        return new Numbers(type, type == Type.FLOAT && math != FMA_MATH);
    }

    /** The type of all operands of a call; whether tensor cores see 10 bits of fraction of each float. */
    private record Numbers(Type type, boolean tf32) {
        float[] read(Operands memory, String operand, long from, long count) {
            float[] values = memory.read(operand, from, count, type);
            for (int i = 0; tf32 && i < values.length; i++) {
                values[i] = Float.intBitsToFloat(Operands.rounded(values[i], TF32_DROPS));
            }
            return values;
        }

        /** {@code to = scale result + keep to}. */
        void store(Operands memory, String operand, long to, float[] result, float scale, float keep) {
            float[] before = keep == 0 ? null : memory.read(operand, to, result.length, type);
            Operands.Output output = memory.write(operand, to, result.length, type);
            for (int i = 0; i < result.length; i++) {
                float value = scale * result[i];
                output.set(i, before == null ? value : value + keep * before[i]);
            }
        }
    }
}
