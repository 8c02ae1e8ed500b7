package io.culvert.device.cuda;

import io.culvert.bindings.cudnn.cudnn_h;
import java.lang.foreign.MemorySegment;

/**
 * Pooling of one layer by cuDNN, channels last: x {@code [N, H, W, C]} to y {@code [N, OH, OW, C]}, both of one type. The
 * backward half finds the maxima again from x and y, so nothing is kept for it; it is the one that repeats bit for bit.
 */
public final class CudnnPooling {
    private final Cudnn dnn;
    private final CudaContext context;
    private final MemorySegment pooling =
            Cudnn.create(cudnn_h::cudnnCreatePoolingDescriptor, "cudnnCreatePoolingDescriptor");
    private final MemorySegment x;
    private final MemorySegment y;
    private final String name;

    /** Square windows, whose padding never wins; a NaN wins. */
    public static CudnnPooling max(
            CudaContext context, Element element, int n, int height, int width, int channels, int kernel, int stride,
            int padding) {
        CudnnPooling max = new CudnnPooling(
                context, element, n, height, width, channels, (height + 2 * padding - kernel) / stride + 1,
                (width + 2 * padding - kernel) / stride + 1, "maximum");
        max.set(cudnn_h.CUDNN_POOLING_MAX_DETERMINISTIC(), kernel, kernel, padding, stride);
        return max;
    }

    /** The mean of each whole map, {@code OH = OW = 1}. */
    public static CudnnPooling average(CudaContext context, Element element, int n, int height, int width, int channels) {
        CudnnPooling average = new CudnnPooling(context, element, n, height, width, channels, 1, 1, "mean");
        average.set(cudnn_h.CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING(), height, width, 0, 1);
        return average;
    }

    private CudnnPooling(
            CudaContext context, Element element, int n, int height, int width, int channels, int outHeight,
            int outWidth, String kind) {
        this.context = context;
        dnn = context.dnn();
        x = Cudnn.map(element, n, channels, height, width);
        y = Cudnn.map(element, n, channels, outHeight, outWidth);
        name = "%s of [%d,%d,%d,%d] to %d x %d".formatted(kind, n, height, width, channels, outHeight, outWidth);
    }

    private void set(int mode, int height, int width, int padding, int stride) {
        Cudnn.check(
                cudnn_h.cudnnSetPooling2dDescriptor(
                        pooling, mode, cudnn_h.CUDNN_PROPAGATE_NAN(), height, width, padding, padding, stride, stride),
                "cudnnSetPooling2dDescriptor");
    }

    /** {@code y = pool(x)}, ready to be run again and again. */
    public Runnable forward(long toY, long fromX) {
        MemorySegment in = MemorySegment.ofAddress(fromX);
        MemorySegment out = MemorySegment.ofAddress(toY);
        return () -> done(
                cudnn_h.cudnnPoolingForward(dnn.handle(), pooling, dnn.one(), x, in, dnn.zero(), y, out),
                "cudnnPoolingForward");
    }

    /** The gradient of x, overwritten; x and y are those of the forward half. */
    public Runnable backward(long toDx, long fromDy, long fromX, long fromY) {
        MemorySegment in = MemorySegment.ofAddress(fromX);
        MemorySegment out = MemorySegment.ofAddress(fromY);
        MemorySegment dy = MemorySegment.ofAddress(fromDy);
        MemorySegment dx = MemorySegment.ofAddress(toDx);
        return () -> done(
                cudnn_h.cudnnPoolingBackward(
                        dnn.handle(), pooling, dnn.one(), y, out, y, dy, x, in, dnn.zero(), x, dx),
                "cudnnPoolingBackward");
    }

    private void done(int status, String call) {
        if (status != 0) {
            Cudnn.check(status, call + " of the " + name);
        }
        context.afterLaunch(call);
    }
}
