package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.CulvertException;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * cuDNN's handle and what its users share: {@link CudnnConvolution} and {@link CudnnPooling} by the classic interface,
 * {@link CudnnBatchNorm} by graphs, which fuse more.
 */
public final class Cudnn implements AutoCloseable {
    private static final long LONGEST_REASON = 1024;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final MemorySegment one;
    private final MemorySegment zero;
    private final ConvolutionSearch search;
    private final Map<CudnnBatchNorm.Form, CudnnBatchNorm.Choice> batchNorms = new HashMap<>();

    Cudnn(CudaContext context) {
        try {
            NativeLibrary.CUDNN.open();
        } catch (NativeLibraryException e) {
            throw CulvertException.device(e, "%s", e.getMessage());
        }
        one = arena.allocateFrom(JAVA_FLOAT, 1f);
        zero = arena.allocateFrom(JAVA_FLOAT, 0f);
        handle = create(cudnn_h::cudnnCreate, "cudnnCreate");
        check(cudnn_h.cudnnSetStream(handle, context.stream().handle()), "cudnnSetStream");
        search = new ConvolutionSearch(context, context.name() + ", cuDNN " + cudnn_h.cudnnGetVersion());
    }

    /** A C function that hands out an object through a pointer. */
    interface Creator {
        int create(MemorySegment out);
    }

    static MemorySegment create(Creator creator, String call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            check(creator.create(out), call);
            return out.get(ADDRESS, 0);
        }
    }

    static int intOf(Creator creator, String call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            check(creator.create(out), call);
            return out.get(JAVA_INT, 0);
        }
    }

    static long longOf(Creator creator, String call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            check(creator.create(out), call);
            return out.get(JAVA_LONG, 0);
        }
    }

    /** A descriptor of maps, channels last. */
    static MemorySegment map(Element element, int n, int c, int h, int w) {
        MemorySegment tensor = create(cudnn_h::cudnnCreateTensorDescriptor, "cudnnCreateTensorDescriptor");
        check(
                cudnn_h.cudnnSetTensor4dDescriptor(tensor, cudnn_h.CUDNN_TENSOR_NHWC(), element.cudnn, n, c, h, w),
                "cudnnSetTensor4dDescriptor(%d, %d, %d, %d)".formatted(n, c, h, w));
        return tensor;
    }

    /** What the library answered for each graph; they live as long as the handle. */
    Map<CudnnBatchNorm.Form, CudnnBatchNorm.Choice> batchNorms() {
        return batchNorms;
    }

    ConvolutionSearch search() {
        return search;
    }

    MemorySegment handle() {
        return handle;
    }

    MemorySegment one() {
        return one;
    }

    MemorySegment zero() {
        return zero;
    }

    static void check(int status, String call) {
        if (status != 0) {
            String name = cudnn_h.cudnnGetErrorString(status).reinterpret(LONGEST_REASON).getString(0);
            throw CulvertException.device("%s: %s (%d)%s", call, name, status, reason());
        }
    }

    /** Why this thread's last call failed, as far as the library says: its first line. */
    private static String reason() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(LONGEST_REASON);
            cudnn_h.cudnnGetLastErrorString(text, LONGEST_REASON);
            return text.getString(0).lines().filter(line -> !line.isBlank()).findFirst().map(line -> ": " + line).orElse("");
        }
    }

    @Override
    public void close() {
        batchNorms.values().forEach(choice -> choice.graph().close());
        check(cudnn_h.cudnnDestroy(handle), "cudnnDestroy");
        arena.close();
    }
}
