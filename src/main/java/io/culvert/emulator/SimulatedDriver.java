package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.emulator.ptx.DeviceMemory;
import io.culvert.emulator.ptx.Dim3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** libcuda: one GPU of compute capability 8.0 with 8 GiB unless told otherwise, whose kernels are executed from PTX. */
@SuppressWarnings({"checkstyle:MethodName", "unused"}) // functions bear their C names and are called from C
final class SimulatedDriver extends SimulatedLibrary {
    static final int INVALID_VALUE = 1;
    static final int OUT_OF_MEMORY = 2;
    static final int NOT_INITIALIZED = 3;
    static final int INVALID_DEVICE = 101;
    static final int INVALID_CONTEXT = 201;
    static final int INVALID_PTX = 218;
    static final int INVALID_HANDLE = 400;
    static final int NOT_FOUND = 500;
    static final int NOT_READY = 600;
    static final int ILLEGAL_ADDRESS = 700;
    static final int LAUNCH_FAILED = 719;
    static final int NOT_SUPPORTED = 801;
    static final int CAPTURE_UNSUPPORTED = 900;
    static final int CAPTURE_UNJOINED = 904;
    static final int UNKNOWN = 999;

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(0, "CUDA_SUCCESS"),
            Map.entry(INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"),
            Map.entry(OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"),
            Map.entry(NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"),
            Map.entry(INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"),
            Map.entry(INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"),
            Map.entry(INVALID_PTX, "CUDA_ERROR_INVALID_PTX"),
            Map.entry(INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"),
            Map.entry(NOT_READY, "CUDA_ERROR_NOT_READY"),
            Map.entry(NOT_FOUND, "CUDA_ERROR_NOT_FOUND"),
            Map.entry(ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"),
            Map.entry(LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"),
            Map.entry(NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"),
            Map.entry(CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"),
            Map.entry(CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"),
            Map.entry(UNKNOWN, "CUDA_ERROR_UNKNOWN"));

    private static final int HOST_TO_DEVICE = 1;
    private static final int DEVICE_TO_HOST = 2;
    private static final int DEVICE_TO_DEVICE = 8;
    private static final int EVENT_DISABLE_TIMING = 2;
    private static final int COMPUTE_CAPABILITY_MAJOR = 75;
    private static final int COMPUTE_CAPABILITY_MINOR = 76;
    private static final int MULTIPROCESSORS = 16;
    private static final int SHARED_PER_BLOCK = 8;
    private static final int SHARED_PER_BLOCK_OPTIN = 97;
    private static final int MAX_DYNAMIC_SHARED = 8;
    private static final Map<Integer, Integer> ATTRIBUTES = Map.of(
            COMPUTE_CAPABILITY_MAJOR, 8,
            COMPUTE_CAPABILITY_MINOR, 0,
            MULTIPROCESSORS, 2,
            SHARED_PER_BLOCK, 48 << 10,
            SHARED_PER_BLOCK_OPTIN, 99 << 10);

    private static final String NAME = "Culvert's emulator";
    static final int CUDA_VERSION = 13_000;

    private final Handles handles = new Handles(0x7e00_0000_0000L, INVALID_HANDLE);
    private final DeviceMemory memory;
    private final KernelRunner kernels;
    private final Faults faults;
    private final Map<Integer, MemorySegment> texts = new HashMap<>();
    private final PinnedMemory pinned = new PinnedMemory();
    private final ActivityLog activity = new ActivityLog();
    private int streams;
    private final SimulatedStream defaultStream = new SimulatedStream(streams++);
    private StreamOrder streamOrder = StreamOrder.OTHERS_LATE;
    private long totalBytes = Emulator.USUAL_MEMORY;
    private boolean initialised;
    private MemorySegment context = MemorySegment.NULL;
    private int stickyError;
    private String brokenBy = "";

    private int capturing;
    private int graphLaunches;

    private record Context() {}

    /** The place it marks in the stream that it was last recorded in, if it was. */
    private static final class Event {
        private final boolean timed;
        private SimulatedStream stream;
        private long place;
        private long nanos;
        private long[] counts;

        private Event(boolean timed) {
            this.timed = timed;
        }
        /** The place in the capture that its stream took part in when it was recorded; -1: in none. */
        private int captured = -1;
    }

    private record Graph(List<SimulatedStream.Work> work) {}

    private record GraphExec(List<SimulatedStream.Work> work) {}

    SimulatedDriver(DeviceMemory memory, KernelRunner kernels, Faults faults) {
        this.memory = memory;
        this.kernels = kernels;
        this.faults = faults;
    }

    @Override
    int notSupported() {
        return NOT_SUPPORTED;
    }

    @Override
    int internalError() {
        return UNKNOWN;
    }

    /** The words of a failure are those that cuGetErrorString gives for its status from now on. */
    @Override
    void failed(int status) {
        texts.put(status, Arena.global().allocateFrom(lastError()));
    }

    DeviceMemory memory() {
        return memory;
    }

    int graphLaunches() {
        return graphLaunches;
    }

    void totalBytes(long bytes) {
        totalBytes = bytes;
    }

    /** What was created and not destroyed, by type, with the device memory that is still allocated. */
    Map<String, Integer> leaks() {
        Map<String, Integer> leaks = handles.alive();
        leaks.remove("Context");
        leaks.remove("Function"); // goes with its module
        if (pinned.count() > 0) {
            leaks.put("pinned memory", pinned.count());
        }
        memory.blockLabels().values().forEach(label -> leaks.merge(label, 1, Integer::sum));
        return leaks;
    }

    SimulatedStream stream(MemorySegment handle) {
        return handle.address() == 0 ? defaultStream : handles.get(handle, SimulatedStream.class);
    }

    /** Queues a library's kernel of this name; what goes wrong in it breaks the context, as a faulting kernel of ours does. */
    void queue(MemorySegment stream, String name, SimulatedStream.Work work) {
        queue(stream, activity.kernel(stream(stream), name, work));
    }

    private void queue(MemorySegment stream, SimulatedStream.Work work) {
        requireHealthy();
        stream(stream).add(work);
    }

    /** What profilers are told. */
    ActivityLog activity() {
        return activity;
    }

    /** Whether a graph that can still be launched has such work. */
    boolean isRecorded(Predicate<SimulatedStream.Work> which) {
        return handles.all(GraphExec.class).stream().anyMatch(graph -> graph.work.stream().anyMatch(which));
    }

    private void requireHealthy() {
        if (!initialised) {
            throw new SimulatedError(NOT_INITIALIZED, "cuInit was not called");
        }
        if (context.address() == 0) {
            throw new SimulatedError(INVALID_CONTEXT, "no context is current");
        }
        if (stickyError != 0) {
            throw new SimulatedError(stickyError, "an earlier error broke the context: %s", brokenBy);
        }
    }

    /** The order between streams from now on. */
    void order(StreamOrder order) {
        streamOrder = order;
    }

    private void run(SimulatedStream stream) {
        if (stream.isCapturing()) {
            throw new SimulatedError(CAPTURE_UNSUPPORTED, "a stream cannot be waited for while it is captured");
        }
        waitFor(stream, stream.end());
    }

    private void waitFor(SimulatedStream stream, long place) {
        requireHealthy();
        try {
            if (streamOrder == StreamOrder.OTHERS_FIRST) {
                for (SimulatedStream other : handles.all(SimulatedStream.class)) {
                    if (other != stream) {
                        other.runAll();
                    }
                }
            }
            stream.runTo(place);
        } catch (SimulatedError e) {
            stickyError = e.status();
            brokenBy = e.getMessage();
            throw e;
        } catch (RuntimeException e) {
            stickyError = KernelRunner.statusOf(e);
            brokenBy = e.getMessage();
            throw new SimulatedError(stickyError, "%s", brokenBy);
        }
    }

    public int cuInit(int flags) {
        initialised = true;
        return 0;
    }

    public int cuDriverGetVersion(MemorySegment version) {
        version.set(JAVA_INT, 0, CUDA_VERSION);
        return 0;
    }

    public int cuDeviceGetCount(MemorySegment count) {
        count.set(JAVA_INT, 0, 1);
        return 0;
    }

    public int cuDeviceGet(MemorySegment device, int ordinal) {
        if (ordinal != 0) {
            throw new SimulatedError(INVALID_DEVICE, "there is one device, number %d was asked for", ordinal);
        }
        device.set(JAVA_INT, 0, 0);
        return 0;
    }

    public int cuDeviceGetName(MemorySegment name, int length, int device) {
        byte[] bytes = NAME.getBytes(StandardCharsets.UTF_8);
        MemorySegment.copy(bytes, 0, name, JAVA_BYTE, 0, Math.min(bytes.length, length - 1));
        name.set(JAVA_BYTE, Math.min(bytes.length, length - 1), (byte) 0);
        return 0;
    }

    public int cuDeviceTotalMem_v2(MemorySegment bytes, int device) {
        bytes.set(JAVA_LONG, 0, totalBytes);
        return 0;
    }

    public int cuDeviceGetAttribute(MemorySegment value, int attribute, int device) {
        Integer known = ATTRIBUTES.get(attribute);
        if (known == null) {
            throw new SimulatedError(NOT_SUPPORTED, "device attribute %d is not simulated", attribute);
        }
        value.set(JAVA_INT, 0, known);
        return 0;
    }

    public int cuDevicePrimaryCtxRetain(MemorySegment out, int device) {
        if (context.address() == 0) {
            context = handles.put(new Context());
        }
        out.set(ADDRESS, 0, context);
        return 0;
    }

    public int cuDevicePrimaryCtxRelease_v2(int device) {
        handles.remove(context, Context.class);
        context = MemorySegment.NULL;
        if (stickyError != 0) {
            // Nothing could be given back any more: it all goes with the context.
            handles.clear();
            memory.blockLabels().keySet().forEach(memory::free);
            pinned.freeAll();
            stickyError = 0;
        }
        return 0;
    }

    public int cuCtxSetCurrent(MemorySegment handle) {
        handles.get(handle, Context.class);
        return 0;
    }

    public int cuCtxSynchronize() {
        run(defaultStream);
        handles.all(SimulatedStream.class).forEach(this::run);
        return 0;
    }

    public int cuMemGetInfo_v2(MemorySegment free, MemorySegment total) {
        free.set(JAVA_LONG, 0, totalBytes - memory.allocatedBytes());
        total.set(JAVA_LONG, 0, totalBytes);
        return 0;
    }

    public int cuMemAlloc_v2(MemorySegment out, long bytes) {
        requireHealthy();
        if (capturing > 0) {
            throw new SimulatedError(CAPTURE_UNSUPPORTED, "an allocation while a stream is captured");
        }
        if (bytes <= 0) {
            throw new SimulatedError(INVALID_VALUE, "an allocation of %d bytes", bytes);
        }
        faults.count(Faults.Kind.ALLOCATION, OUT_OF_MEMORY);
        if (bytes > totalBytes - memory.allocatedBytes()) {
            throw new SimulatedError(OUT_OF_MEMORY, "%d bytes, %d are free", bytes, totalBytes - memory.allocatedBytes());
        }
        out.set(JAVA_LONG, 0, memory.allocate(bytes, "device memory"));
        return 0;
    }

    public int cuMemFree_v2(long address) {
        requireHealthy();
        try {
            memory.free(address);
        } catch (IllegalArgumentException e) {
            throw new SimulatedError(INVALID_VALUE, "%s", e.getMessage());
        }
        return 0;
    }

    public int cuMemHostAlloc(MemorySegment out, long bytes, int flags) {
        requireHealthy();
        faults.count(Faults.Kind.ALLOCATION, OUT_OF_MEMORY);
        out.set(ADDRESS, 0, pinned.allocate(bytes));
        return 0;
    }

    public int cuMemFreeHost(MemorySegment host) {
        requireHealthy();
        pinned.free(host.address());
        return 0;
    }

    public int cuMemcpyHtoDAsync_v2(long to, MemorySegment from, long bytes, MemorySegment stream) {
        if (stream(stream).isCapturing()) {
            throw new SimulatedError(CAPTURE_UNSUPPORTED, "a graph would repeat this copy of memory that the host changes");
        }
        queue(stream, activity.copy(stream(stream), HOST_TO_DEVICE, pinned.copy(memory, to, from.asSlice(0, bytes))));
        return 0;
    }

    public int cuMemcpyDtoHAsync_v2(MemorySegment to, long from, long bytes, MemorySegment stream) {
        MemorySegment target = to.asSlice(0, bytes);
        queue(stream, activity.copy(stream(stream), DEVICE_TO_HOST, () -> memory.read(from, target)));
        return 0;
    }

    public int cuMemcpyDtoDAsync_v2(long to, long from, long bytes, MemorySegment stream) {
        queue(stream, activity.copy(stream(stream), DEVICE_TO_DEVICE, () -> memory.write(to, memory.segment(from, bytes))));
        return 0;
    }

    public int cuMemsetD8Async(long to, byte value, long count, MemorySegment stream) {
        queue(stream, activity.fill(stream(stream), () -> memory.fill(to, count, value)));
        return 0;
    }

    public int cuMemsetD32Async(long to, int value, long count, MemorySegment stream) {
        queue(stream, activity.fill(stream(stream), () -> {
            MemorySegment words = memory.segment(to, count * Integer.BYTES);
            for (long i = 0; i < count; i++) {
                words.setAtIndex(JAVA_INT, i, value);
            }
            memory.markWritten(to, count * Integer.BYTES);
        }));
        return 0;
    }

    public int cuStreamCreate(MemorySegment out, int flags) {
        out.set(ADDRESS, 0, handles.put(new SimulatedStream(streams++)));
        return 0;
    }

    public int cuStreamDestroy_v2(MemorySegment handle) {
        handles.remove(handle, SimulatedStream.class);
        return 0;
    }

    public int cuStreamSynchronize(MemorySegment handle) {
        run(stream(handle));
        return 0;
    }

    public int cuStreamBeginCapture_v2(MemorySegment handle, int mode) {
        stream(handle).beginCapture();
        capturing++;
        return 0;
    }

    public int cuStreamEndCapture(MemorySegment handle, MemorySegment graph) {
        capturing--;
        graph.set(ADDRESS, 0, handles.put(new Graph(stream(handle).endCapture())));
        return 0;
    }

    public int cuGraphInstantiateWithFlags(MemorySegment out, MemorySegment graph, long flags) {
        out.set(ADDRESS, 0, handles.put(new GraphExec(handles.get(graph, Graph.class).work)));
        return 0;
    }

    public int cuGraphLaunch(MemorySegment exec, MemorySegment stream) {
        requireHealthy();
        SimulatedStream target = stream(stream);
        handles.get(exec, GraphExec.class).work.forEach(target::add);
        graphLaunches++;
        return 0;
    }

    public int cuGraphDestroy(MemorySegment graph) {
        handles.remove(graph, Graph.class);
        return 0;
    }

    public int cuGraphExecDestroy(MemorySegment exec) {
        handles.remove(exec, GraphExec.class);
        return 0;
    }

    public int cuStreamWaitEvent(MemorySegment stream, MemorySegment event, int flags) {
        Event marked = handles.get(event, Event.class);
        SimulatedStream waiting = stream(stream);
        if (marked.captured >= 0 && marked.stream.isCapturing()) {
            waiting.awaitCaptured(marked.stream, marked.captured);
            return 0;
        }
        // What counts is the place that the event marks now: a later record moves it for later waits only.
        SimulatedStream other = marked.stream;
        long place = marked.place;
        if (other != null) {
            queue(stream, () -> other.runTo(place));
        }
        return 0;
    }

    public int cuEventCreate(MemorySegment out, int flags) {
        out.set(ADDRESS, 0, handles.put(new Event((flags & EVENT_DISABLE_TIMING) == 0)));
        return 0;
    }

    public int cuEventDestroy_v2(MemorySegment event) {
        handles.remove(event, Event.class);
        return 0;
    }

    public int cuEventRecord(MemorySegment event, MemorySegment stream) {
        Event marked = handles.get(event, Event.class);
        marked.counts = null;
        queue(stream, () -> {
            marked.nanos = System.nanoTime();
            marked.counts = kernels.counts();
        });
        marked.stream = stream(stream);
        marked.place = marked.stream.end();
        marked.captured = marked.stream.isCapturing() ? marked.stream.captured() : -1;
        return 0;
    }

    public int cuEventSynchronize(MemorySegment event) {
        Event marked = handles.get(event, Event.class);
        if (marked.stream != null) {
            waitFor(marked.stream, marked.place);
        }
        return 0;
    }

    public int cuEventElapsedTime_v2(MemorySegment millis, MemorySegment start, MemorySegment end) {
        Event from = handles.get(start, Event.class);
        Event to = handles.get(end, Event.class);
        if (!from.timed || !to.timed) {
            throw new SimulatedError(INVALID_HANDLE, "an event that was created with CU_EVENT_DISABLE_TIMING has no time");
        }
        if (from.counts == null || to.counts == null) {
            throw new SimulatedError(NOT_READY, "an event that was not recorded, or has not passed, has no time");
        }
        millis.set(JAVA_FLOAT, 0, (to.nanos - from.nanos) / 1e6f);
        return 0;
    }

    /** What kernels had done when an event passed, as {@link KernelCounts#NAMES} lists. */
    long[] counts(MemorySegment event) {
        return handles.get(event, Event.class).counts.clone();
    }

    public int cuModuleLoadDataEx(
            MemorySegment out, MemorySegment image, int count, MemorySegment options, MemorySegment values) {
        requireHealthy();
        out.set(ADDRESS, 0, handles.put(kernels.load(image.getString(0))));
        return 0;
    }

    public int cuModuleUnload(MemorySegment module) {
        handles.remove(module, KernelRunner.Module.class).unload();
        return 0;
    }

    public int cuModuleGetFunction(MemorySegment out, MemorySegment module, MemorySegment name) {
        out.set(
                ADDRESS,
                0,
                handles.put(handles.get(module, KernelRunner.Module.class).function(name.getString(0))));
        return 0;
    }

    public int cuFuncSetAttribute(MemorySegment function, int attribute, int value) {
        KernelRunner.Function kernel = handles.get(function, KernelRunner.Function.class);
        if (attribute != MAX_DYNAMIC_SHARED) {
            throw new SimulatedError(NOT_SUPPORTED, "function attribute %d is not simulated", attribute);
        }
        kernel.allowShared(value);
        return 0;
    }

    public int cuLaunchKernel(
            MemorySegment function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ,
            int sharedBytes, MemorySegment stream, MemorySegment parameters, MemorySegment extra) {
        KernelRunner.Function kernel = handles.get(function, KernelRunner.Function.class);
        try {
            faults.count(Faults.Kind.LAUNCH, LAUNCH_FAILED);
        } catch (SimulatedError e) {
            stickyError = e.status();
            brokenBy = e.getMessage();
            throw e;
        }
        queue(
                stream,
                kernel.name(),
                kernel.launch(
                        new Dim3(gridX, gridY, gridZ), new Dim3(blockX, blockY, blockZ), sharedBytes, parameters));
        return 0;
    }

    public int cuGetErrorName(int error, MemorySegment out) {
        String name = NAMES.getOrDefault(error, "CUDA_ERROR_" + error);
        out.set(ADDRESS, 0, texts.computeIfAbsent(-1 - error, key -> Arena.global().allocateFrom(name)));
        return 0;
    }

    public int cuGetErrorString(int error, MemorySegment out) {
        out.set(ADDRESS, 0, texts.computeIfAbsent(error, key -> Arena.global().allocateFrom("no more is known")));
        return 0;
    }
}
