package io.culvert.device.cuda;

import io.culvert.CulvertException;
import io.culvert.bindings.cuda.cuda_h;
import io.culvert.device.GpuStatus;
import io.culvert.profile.DeviceTimer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One GPU for one thread: its primary context (so that cuDNN and cuBLASLt see the same memory), the stream that computes,
 * our modules, and what is allocated for whom. The property {@code culvert.sync=true} makes every launch wait, so that an
 * asynchronous error appears at its cause.
 */
public final class CudaContext implements AutoCloseable {
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

    private final int device;
    private final String name;
    private final String description;
    private final int multiprocessors;
    private final boolean tf32;
    private final boolean synchronous = Boolean.getBoolean("culvert.sync");
    private final Arena arena = Arena.ofShared();
    private final CudaStream stream;
    private final Map<String, CudaModule> modules = new LinkedHashMap<>();
    private final Map<Long, Long> sizes = new TreeMap<>();
    private final Map<Long, String> purposes = new TreeMap<>();
    private final List<Long> workspaces = new ArrayList<>();
    private final List<CudaGraph> graphs = new ArrayList<>();
    private final List<CudaTimer> timers = new ArrayList<>();
    private final List<CudaMarks> marks = new ArrayList<>();
    private long workspaceBytes;
    private NvtxRanges ranges;
    private CublasLt blas;
    private Cudnn dnn;

    private CudaContext(int ordinal, boolean tf32) {
        this.tf32 = tf32;
        Driver.init();
        if (ordinal >= Driver.deviceCount()) {
            throw CulvertException.device(
                    "the CUDA driver shows %d GPUs, number %d was asked for; is CUDA_VISIBLE_DEVICES set?",
                    Driver.deviceCount(), ordinal);
        }
        device = Driver.deviceGet(ordinal);
        Driver.ctxSetCurrent(Driver.primaryCtxRetain(device));
        stream = new CudaStream();
        GpuStatus gpu = CudaProbe.gpus().get(ordinal);
        multiprocessors = gpu.multiprocessors();
        name = gpu.name();
        int driver = Driver.driverVersion();
        description = String.format(
                Locale.ROOT,
                "cuda, %s (sm_%d, %.0f GiB), driver for CUDA %d.%d",
                name, gpu.computeCapability(), Driver.gib(gpu.bytes()), driver / 1000, driver % 1000 / 10);
        if (gpu.computeCapability() < CudaProbe.PTX_TARGET) {
            throw CulvertException.device("%s", CudaProbe.tooOld(gpu));
        }
    }

    /**
     * Takes GPU number {@code ordinal} for the calling thread, which must also run every step.
     *
     * @param tf32 whether products of singles may run on tensor cores, which take 10 bits of fraction of each factor
     */
    public static CudaContext open(int ordinal, boolean tf32) {
        return new CudaContext(ordinal, tf32);
    }

    boolean tf32() {
        return tf32;
    }

    public CudaStream stream() {
        return stream;
    }

    /** A stream beside the one that computes; the caller closes it. */
    public CudaStream newStream() {
        return new CudaStream();
    }

    /** The caller closes it. */
    public CudaEvent newEvent() {
        return new CudaEvent();
    }

    /**
     * Host memory that the GPU's copy engine reads while the host goes on, given back when {@code owner} is closed, which
     * this thread must do. Any thread may write it if the arena is a shared one.
     */
    public MemorySegment pinned(long bytes, Arena owner) {
        return Driver.memHostAlloc(bytes).reinterpret(bytes, owner, Driver::memFreeHost);
    }

    /** A launch of a kernel of {@code kernels/<file>.cu}, still without shape and arguments. */
    public CudaLaunch launch(String file, String kernel) {
        CudaModule module = modules.computeIfAbsent(file, CudaModule::new);
        return new CudaLaunch(module.function(kernel), this, arena);
    }

    /** Blocks for a grid-stride kernel over {@code items} at {@code perBlock} a block: enough to fill the GPU, no more. */
    public int blocks(long items, int perBlock) {
        return (int) Math.clamp((items + perBlock - 1) / perBlock, 1, multiprocessors * BLOCKS_PER_MULTIPROCESSOR);
    }

    public CublasLt blas() {
        if (blas == null) {
            blas = new CublasLt(this);
        }
        return blas;
    }

    public Cudnn dnn() {
        if (dnn == null) {
            dnn = new Cudnn(this);
        }
        return dnn;
    }

    /** Zero-filled device memory; running out says what holds how much. */
    public long allocate(String purpose, long bytes) {
        Driver.Memory before = Driver.memGetInfo();
        long address;
        try {
            address = Driver.memAlloc(bytes);
        } catch (CulvertException e) {
            throw before.free() < bytes ? outOfMemory(purpose, bytes, before) : e;
        }
        stream.zero(address, bytes);
        sizes.put(address, bytes);
        purposes.put(address, purpose);
        return address;
    }

    private CulvertException outOfMemory(String purpose, long bytes, Driver.Memory memory) {
        Map<String, Long> held = new TreeMap<>();
        sizes.forEach((address, size) -> held.merge(purposes.get(address), size, Long::sum));
        StringBuilder list = new StringBuilder();
        held.forEach((name, size) -> list.append(String.format(Locale.ROOT, "%s %.2f GiB, ", name, Driver.gib(size))));
        return CulvertException.memory(
                "the GPU is out of memory: %.2f GiB for %s, %.2f of %.2f GiB free; held: %sthe rest by others",
                Driver.gib(bytes), purpose, Driver.gib(memory.free()), Driver.gib(memory.total()), list);
    }

    /** Memory that nobody holds, on the whole GPU. */
    public long freeBytes() {
        return Driver.memGetInfo().free();
    }

    /** Zero-filled host memory that lives as long as the context. */
    public MemorySegment hostMemory(long bytes) {
        return arena.allocate(bytes, Long.BYTES);
    }

    /** Gives back what {@link #allocate} gave, when what is queued is done with it. */
    public void free(long address) {
        stream.synchronize();
        sizes.remove(address);
        purposes.remove(address);
        Driver.memFree(address);
    }

    /** Working memory that kernels share: they run one at a time and leave nothing in it. */
    public long workspace(long bytes) {
        if (bytes > workspaceBytes) {
            workspaceBytes = bytes;
            workspaces.add(allocate("workspace", bytes));
        }
        return workspaces.getLast();
    }

    /** With {@code culvert.sync}, waits for what {@code call} has queued, so that an error appears at its cause. */
    void afterLaunch(Object call) {
        if (synchronous) {
            int result = cuda_h.cuStreamSynchronize(stream.handle());
            if (result != 0) {
                throw Driver.failure(result, call + ", found by waiting for it");
            }
        }
    }

    /** The GPU's, as the driver gives it. */
    String name() {
        return name;
    }

    /** One line for reports. */
    public String describe() {
        return description;
    }

    /** A timer of what the compute stream does; only of work that is launched kernel by kernel, not as a graph. */
    public DeviceTimer timer() {
        CudaTimer timer = CudaTimer.of(stream);
        timers.add(timer);
        return timer;
    }

    /** Marks in the compute stream, given back with the context. */
    public CudaMarks marks() {
        CudaMarks made = new CudaMarks(stream);
        marks.add(made);
        return made;
    }

    /** Work that is recorded after its first runs, see {@link CudaGraph}; {@code -Dculvert.graph=false} runs it each time. */
    public Runnable repeated(String what, Runnable work) {
        if (synchronous || "false".equals(System.getProperty("culvert.graph"))) {
            return work;
        }
        if (ranges == null) {
            ranges = new NvtxRanges();
        }
        CudaGraph graph = new CudaGraph(stream, what, ranges, work);
        graphs.add(graph);
        return graph;
    }

    /** Makes a mark before and after each repetition of what is recorded, from now on: between them is what the device waits. */
    public void markRepetitions(CudaMarks around) {
        graphs.forEach(graph -> graph.mark(around));
    }

    /** Forgets what was recorded; NCCL gives no communicator back that a graph knows. */
    public void dropGraphs() {
        graphs.forEach(CudaGraph::close);
        graphs.clear();
    }

    /** Gives everything back. After an error that broke the context only the context itself can go, and takes all with it. */
    @Override
    public void close() {
        try {
            giveBack();
        } finally {
            Driver.primaryCtxRelease(device);
            arena.close();
        }
    }

    private void giveBack() {
        // First, even where the device has failed: CUPTI must not call into a process that ends.
        timers.forEach(CudaTimer::close);
        stream.synchronize();
        dropGraphs();
        if (ranges != null) {
            ranges.close();
        }
        marks.forEach(CudaMarks::close);
        List.copyOf(sizes.keySet()).forEach(this::free);
        if (dnn != null) {
            dnn.close();
        }
        if (blas != null) {
            blas.close();
        }
        modules.values().forEach(CudaModule::close);
        stream.close();
    }
}
