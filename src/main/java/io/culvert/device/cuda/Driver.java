package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.CulvertException;
import io.culvert.bindings.cuda.cuda_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * CUDA's driver interface, each function behind a check; names are the C names without prefix and version. Arguments
 * that are handles stay {@link MemorySegment}, device addresses {@code long}.
 */
final class Driver {
    private static final int NAME_BYTES = 256;
    private static final int LOG_BYTES = 16 << 10;
    private static final long LONGEST_MESSAGE = 4096;

    private Driver() {}

    /** Opens the library and initialises the driver. */
    static void init() {
        try {
            NativeLibrary.CUDA.open();
        } catch (NativeLibraryException e) {
            throw CulvertException.device(e, "%s", e.getMessage());
        }
        check(cuda_h.cuInit(0), "cuInit(0)");
    }

    static int deviceCount() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment count = call.allocate(JAVA_INT);
            check(cuda_h.cuDeviceGetCount(count), "cuDeviceGetCount");
            return count.get(JAVA_INT, 0);
        }
    }

    static int deviceGet(int ordinal) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment device = call.allocate(JAVA_INT);
            check(cuda_h.cuDeviceGet(device, ordinal), "cuDeviceGet(%d)", ordinal);
            return device.get(JAVA_INT, 0);
        }
    }

    static String deviceName(int device) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment name = call.allocate(NAME_BYTES);
            check(cuda_h.cuDeviceGetName(name, NAME_BYTES, device), "cuDeviceGetName(%d)", device);
            return name.getString(0);
        }
    }

    static long deviceTotalMem(int device) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment bytes = call.allocate(JAVA_LONG);
            check(cuda_h.cuDeviceTotalMem_v2(bytes, device), "cuDeviceTotalMem(%d)", device);
            return bytes.get(JAVA_LONG, 0);
        }
    }

    static int deviceAttribute(int device, int attribute) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment value = call.allocate(JAVA_INT);
            check(
                    cuda_h.cuDeviceGetAttribute(value, attribute, device),
                    "cuDeviceGetAttribute(%d, %d)", attribute, device);
            return value.get(JAVA_INT, 0);
        }
    }

    /** Packed as {@code major * 1000 + minor * 10}. */
    static int driverVersion() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment version = call.allocate(JAVA_INT);
            check(cuda_h.cuDriverGetVersion(version), "cuDriverGetVersion");
            return version.get(JAVA_INT, 0);
        }
    }

    /** The context that all libraries of the process share. */
    static MemorySegment primaryCtxRetain(int device) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment context = call.allocate(ADDRESS);
            check(cuda_h.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain(%d)", device);
            return context.get(ADDRESS, 0);
        }
    }

    static void primaryCtxRelease(int device) {
        check(cuda_h.cuDevicePrimaryCtxRelease_v2(device), "cuDevicePrimaryCtxRelease(%d)", device);
    }

    static void ctxSetCurrent(MemorySegment context) {
        check(cuda_h.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }

    /** Waits for all streams. */
    static void ctxSynchronize() {
        check(cuda_h.cuCtxSynchronize(), "cuCtxSynchronize");
    }

    /** Free and total bytes. */
    record Memory(long free, long total) {}

    static Memory memGetInfo() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment free = call.allocate(JAVA_LONG);
            MemorySegment total = call.allocate(JAVA_LONG);
            check(cuda_h.cuMemGetInfo_v2(free, total), "cuMemGetInfo");
            return new Memory(free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0));
        }
    }

    static long memAlloc(long bytes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment address = call.allocate(JAVA_LONG);
            check(cuda_h.cuMemAlloc_v2(address, bytes), "cuMemAlloc(%d)", bytes);
            return address.get(JAVA_LONG, 0);
        }
    }

    static void memFree(long address) {
        check(cuda_h.cuMemFree_v2(address), "cuMemFree(0x%x)", address);
    }

    /** Host memory that the copy engine reads and writes while the host goes on. */
    static MemorySegment memHostAlloc(long bytes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment host = call.allocate(ADDRESS);
            check(cuda_h.cuMemHostAlloc(host, bytes, 0), "cuMemHostAlloc(%d)", bytes);
            return host.get(ADDRESS, 0);
        }
    }

    static void memFreeHost(MemorySegment host) {
        check(cuda_h.cuMemFreeHost(host), "cuMemFreeHost(0x%x)", host.address());
    }

    /** Creates an event for order alone, without a time stamp. */
    static MemorySegment eventCreate(int flags) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment event = call.allocate(ADDRESS);
            check(cuda_h.cuEventCreate(event, flags), "cuEventCreate");
            return event.get(ADDRESS, 0);
        }
    }

    static void eventRecord(MemorySegment event, MemorySegment stream) {
        int result = cuda_h.cuEventRecord(event, stream);
        if (result != 0) {
            throw failure(result, "cuEventRecord");
        }
    }

    static void eventSynchronize(MemorySegment event) {
        int result = cuda_h.cuEventSynchronize(event);
        if (result != 0) {
            throw failure(result, "cuEventSynchronize");
        }
    }

    /** Milliseconds between two events that have passed; resolution half a microsecond. */
    static float eventElapsedTime(MemorySegment from, MemorySegment to) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment millis = call.allocate(JAVA_FLOAT);
            check(cuda_h.cuEventElapsedTime_v2(millis, from, to), "cuEventElapsedTime");
            return millis.get(JAVA_FLOAT, 0);
        }
    }

    static void eventDestroy(MemorySegment event) {
        check(cuda_h.cuEventDestroy_v2(event), "cuEventDestroy");
    }

    static void streamWaitEvent(MemorySegment stream, MemorySegment event) {
        int result = cuda_h.cuStreamWaitEvent(stream, event, 0);
        if (result != 0) {
            throw failure(result, "cuStreamWaitEvent");
        }
    }

    /** The first {@code bytes} of {@code from}; creates nothing, as every step calls it. */
    static void memcpyHtoDAsync(long to, MemorySegment from, long bytes, MemorySegment stream) {
        int result = cuda_h.cuMemcpyHtoDAsync_v2(to, from, bytes, stream);
        if (result != 0) {
            throw failure(result, "cuMemcpyHtoDAsync(0x%x, %d bytes)".formatted(to, bytes));
        }
    }

    static void memcpyDtoHAsync(MemorySegment to, long from, MemorySegment stream) {
        int result = cuda_h.cuMemcpyDtoHAsync_v2(to, from, to.byteSize(), stream);
        if (result != 0) {
            throw failure(result, "cuMemcpyDtoHAsync(0x%x, %d bytes)".formatted(from, to.byteSize()));
        }
    }

    static void memcpyDtoDAsync(long to, long from, long bytes, MemorySegment stream) {
        int result = cuda_h.cuMemcpyDtoDAsync_v2(to, from, bytes, stream);
        if (result != 0) {
            throw failure(result, "cuMemcpyDtoDAsync(0x%x, 0x%x, %d bytes)".formatted(to, from, bytes));
        }
    }

    static void memsetD8Async(long to, int value, long bytes, MemorySegment stream) {
        int result = cuda_h.cuMemsetD8Async(to, (byte) value, bytes, stream);
        if (result != 0) {
            throw failure(result, "cuMemsetD8Async(0x%x, %d bytes)".formatted(to, bytes));
        }
    }

    static MemorySegment streamCreate(int flags) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment stream = call.allocate(ADDRESS);
            check(cuda_h.cuStreamCreate(stream, flags), "cuStreamCreate(%d)", flags);
            return stream.get(ADDRESS, 0);
        }
    }

    static void streamSynchronize(MemorySegment stream) {
        int result = cuda_h.cuStreamSynchronize(stream);
        if (result != 0) {
            throw failure(result, "cuStreamSynchronize");
        }
    }

    static void streamDestroy(MemorySegment stream) {
        check(cuda_h.cuStreamDestroy_v2(stream), "cuStreamDestroy");
    }

    /** What this thread queues from now on is recorded, not run. */
    static void streamBeginCapture(MemorySegment stream) {
        check(
                cuda_h.cuStreamBeginCapture_v2(stream, cuda_h.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL()),
                "cuStreamBeginCapture");
    }

    static MemorySegment streamEndCapture(MemorySegment stream) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment graph = call.allocate(ADDRESS);
            check(cuda_h.cuStreamEndCapture(stream, graph), "cuStreamEndCapture");
            return graph.get(ADDRESS, 0);
        }
    }

    /** Ends a recording that failed. */
    static void abandonCapture(MemorySegment stream) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment graph = call.allocate(ADDRESS);
            if (cuda_h.cuStreamEndCapture(stream, graph) == 0) {
                graphDestroy(graph.get(ADDRESS, 0));
            }
        }
    }

    static MemorySegment graphInstantiate(MemorySegment graph) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment executable = call.allocate(ADDRESS);
            check(cuda_h.cuGraphInstantiateWithFlags(executable, graph, 0), "cuGraphInstantiate");
            return executable.get(ADDRESS, 0);
        }
    }

    static void graphLaunch(MemorySegment executable, MemorySegment stream) {
        int result = cuda_h.cuGraphLaunch(executable, stream);
        if (result != 0) {
            throw failure(result, "cuGraphLaunch");
        }
    }

    static void graphDestroy(MemorySegment graph) {
        check(cuda_h.cuGraphDestroy(graph), "cuGraphDestroy");
    }

    static void graphExecDestroy(MemorySegment executable) {
        check(cuda_h.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
    }

    /**
     * Loads PTX, which the driver compiles for the GPU at hand.
     *
     * @throws CulvertException with the compiler's own words where it refuses
     */
    static MemorySegment moduleLoadData(String name, MemorySegment ptx) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment module = call.allocate(ADDRESS);
            MemorySegment log = call.allocate(LOG_BYTES);
            MemorySegment options = call.allocateFrom(
                    JAVA_INT, cuda_h.CU_JIT_ERROR_LOG_BUFFER(), cuda_h.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES());
            MemorySegment values = call.allocate(ADDRESS, 2);
            values.setAtIndex(ADDRESS, 0, log);
            values.setAtIndex(JAVA_LONG, 1, LOG_BYTES); // the size travels in the pointer itself
            int result = cuda_h.cuModuleLoadDataEx(module, ptx, 2, options, values);
            check(result, "cuModuleLoadDataEx(%s)%s", name, result == 0 ? "" : ": " + log.getString(0).strip());
            return module.get(ADDRESS, 0);
        }
    }

    static void moduleUnload(MemorySegment module) {
        check(cuda_h.cuModuleUnload(module), "cuModuleUnload");
    }

    static MemorySegment moduleGetFunction(MemorySegment module, String name) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment function = call.allocate(ADDRESS);
            check(
                    cuda_h.cuModuleGetFunction(function, module, call.allocateFrom(name)),
                    "cuModuleGetFunction(%s)", name);
            return function.get(ADDRESS, 0);
        }
    }

    /** Functions that a step calls look at the result themselves: arguments gathered for a message would be allocated. */
    private static void check(int result, String call, Object... arguments) {
        if (result != 0) {
            throw failure(result, call.formatted(arguments));
        }
    }

    /** What a call that failed tells the user: the call, CUDA's name and words for it, and the memory that is left. */
    static CulvertException failure(int result, String call) {
        StringBuilder message = new StringBuilder(call).append(": ").append(text(result, true));
        message.append(" (").append(result).append("): ").append(text(result, false));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(JAVA_LONG);
            MemorySegment total = arena.allocate(JAVA_LONG);
            if (cuda_h.cuMemGetInfo_v2(free, total) == 0) {
                message.append(String.format(
                        Locale.ROOT,
                        "; %.1f of %.1f GiB free",
                        gib(free.get(JAVA_LONG, 0)),
                        gib(total.get(JAVA_LONG, 0))));
            }
        }
        return CulvertException.device("%s", message);
    }

    static double gib(long bytes) {
        return bytes / (double) (1 << 30);
    }

    private static String text(int result, boolean name) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment text = call.allocate(ADDRESS);
            int status = name ? cuda_h.cuGetErrorName(result, text) : cuda_h.cuGetErrorString(result, text);
            return status == 0
                    ? text.get(ADDRESS, 0).reinterpret(LONGEST_MESSAGE).getString(0)
                    : "unknown error";
        }
    }
}
