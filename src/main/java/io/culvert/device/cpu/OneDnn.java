package io.culvert.device.cpu;

import io.culvert.CulvertException;
import io.culvert.bindings.dnnl.dnnl_exec_arg_t;
import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.dnnl.dnnl_version_t;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import io.culvert.bindings.omp.omp_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * oneDNN's C interface, each function behind a check. Everything that it creates belongs to it and goes with it.
 *
 * <p>One thread must make all calls: this build of oneDNN runs on OpenMP, which gives every calling thread a pool of
 * its own. {@link PackedProduct#multiply}, {@link StridedProduct#multiply} and {@link #sgemmAlone} run on the thread that calls
 * them, whichever that is.
 */
public final class OneDnn implements AutoCloseable {
    /** The argument of {@link #addsAnother}: the second source of the first operation on a result. */
    static final int ADDED = dnnl_h.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE() | dnnl_h.DNNL_ARG_SRC_1();

    private static final int MAX_DIMS = 12;

    private final Arena arena = Arena.ofShared();
    private final Deque<Runnable> releases = new ArrayDeque<>();
    private final Deque<Runnable> descriptions = new ArrayDeque<>();
    private final int threads;
    private final MemorySegment engine;
    private final MemorySegment stream;
    private final SharedMemory[] packings = shared(4);
    private final SharedMemory[] workspaces;

    public OneDnn(int threads) {
        this.threads = threads;
        workspaces = shared(threads);
        load();
        omp_h.omp_set_num_threads(threads);
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        check(dnnl_h.dnnl_engine_create(out, dnnl_h.dnnl_cpu(), 0), "dnnl_engine_create");
        engine = out.get(ValueLayout.ADDRESS, 0);
        releases.push(() -> dnnl_h.dnnl_engine_destroy(engine));
        stream = newStream();
    }

    private static SharedMemory[] shared(int count) {
        SharedMemory[] memories = new SharedMemory[count];
        Arrays.setAll(memories, i -> new SharedMemory());
        return memories;
    }

    MemorySegment newStream() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(dnnl_h.dnnl_stream_create(out, engine, dnnl_h.dnnl_stream_default_flags()), "dnnl_stream_create");
            MemorySegment made = out.get(ValueLayout.ADDRESS, 0);
            releases.push(() -> dnnl_h.dnnl_stream_destroy(made));
            return made;
        }
    }

    /** Attributes of a primitive that gets its scratch memory as an argument: oneDNN's own belongs to one thread. */
    MemorySegment scratchpadFromCaller() {
        MemorySegment attributes = attributes();
        check(
                dnnl_h.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_h.dnnl_scratchpad_mode_user()),
                "dnnl_primitive_attr_set_scratchpad_mode");
        return attributes;
    }

    /** Attributes of a primitive that adds to what its destination holds. */
    MemorySegment adding() {
        MemorySegment attributes = attributes();
        addsToDestination(attributes);
        return attributes;
    }

    /** Says in attributes that the primitive adds to what its destination holds. */
    void addsToDestination(MemorySegment attributes) {
        MemorySegment sum = postOps();
        check(dnnl_h.dnnl_post_ops_append_sum(sum, 1, 0, dnnl_h.dnnl_data_type_undef()), "dnnl_post_ops_append_sum");
        check(dnnl_h.dnnl_primitive_attr_set_post_ops(attributes, sum), "dnnl_primitive_attr_set_post_ops");
    }

    /** Says in attributes that the primitive adds an argument, {@link #ADDED}, of that form to its result. */
    void addsAnother(MemorySegment attributes, MemorySegment desc) {
        MemorySegment sum = postOps();
        check(dnnl_h.dnnl_post_ops_append_binary(sum, dnnl_h.dnnl_binary_add(), desc), "dnnl_post_ops_append_binary");
        check(dnnl_h.dnnl_primitive_attr_set_post_ops(attributes, sum), "dnnl_primitive_attr_set_post_ops");
    }

    private MemorySegment postOps() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(dnnl_h.dnnl_post_ops_create(out), "dnnl_post_ops_create");
            MemorySegment made = out.get(ValueLayout.ADDRESS, 0);
            descriptions.push(() -> dnnl_h.dnnl_post_ops_destroy(made));
            return made;
        }
    }

    private MemorySegment attributes() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(dnnl_h.dnnl_primitive_attr_create(out), "dnnl_primitive_attr_create");
            MemorySegment attributes = out.get(ValueLayout.ADDRESS, 0);
            descriptions.push(() -> dnnl_h.dnnl_primitive_attr_destroy(attributes));
            return attributes;
        }
    }

    /** Whether oneDNN finds AVX-512, and was not told to do without. */
    boolean hasAvx512() {
        int avx512 = dnnl_h.dnnl_cpu_isa_avx512_core();
        return (dnnl_h.dnnl_get_effective_cpu_isa() & avx512) == avx512;
    }

    /**
     * Opens the library. Its OpenMP threads would by default spin for a while after each call, on the cores that our
     * own kernels need next; they are told to sleep instead.
     */
    private static void load() {
        NativeLibrary.setEnvironment("OMP_WAIT_POLICY", "passive");
        try {
            NativeLibrary.DNNL.open();
        } catch (NativeLibraryException e) {
            throw CulvertException.device(e, "%s", e.getMessage());
        }
    }

    /** The library's version, for example {@code 3.13.0}. */
    public static String version() {
        MemorySegment version = dnnl_h.dnnl_version().reinterpret(dnnl_version_t.sizeof());
        return dnnl_version_t.major(version) + "." + dnnl_version_t.minor(version) + "."
                + dnnl_version_t.patch(version);
    }

    static void check(int status, String call) {
        if (status != 0) {
            throw CulvertException.device("%s: %s (%d)", call, statusName(status), status);
        }
    }

    private static String statusName(int status) {
        return switch (status) {
            case 1 -> "dnnl_out_of_memory: use a smaller batch or image size";
            case 2 -> "dnnl_invalid_arguments";
            case 3 -> "dnnl_unimplemented";
            case 4 -> "dnnl_last_impl_reached";
            case 5 -> "dnnl_runtime_error";
            case 6 -> "dnnl_not_required";
            default -> "unknown status";
        };
    }

    int threads() {
        return threads;
    }

    MemorySegment engine() {
        return engine;
    }

    /** {@code C = alpha op(A) op(B) + beta C}, row-major, op(A) {@code [m, k]}, op(B) {@code [k, n]}; 'T' transposes. */
    public void sgemm(
            char transA,
            char transB,
            long m,
            long n,
            long k,
            float alpha,
            MemorySegment a,
            long lda,
            MemorySegment b,
            long ldb,
            float beta,
            MemorySegment c,
            long ldc) {
        check(
                dnnl_h.dnnl_sgemm((byte) transA, (byte) transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc),
                "dnnl_sgemm");
    }

    /** As the other, alpha 1; a, b and c are addresses. */
    public void sgemm(
            char transA, char transB, long m, long n, long k, long a, long lda, long b, long ldb, float beta, long c, long ldc) {
        DnnlCalls.sgemm(transA, transB, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
    }

    /** As {@link #sgemm}, alpha 1, on the calling thread alone, whichever it is; a, b and c are addresses. */
    public void sgemmAlone(
            char transA, char transB, long m, long n, long k, long a, long lda, long b, long ldb, float beta, long c, long ldc) {
        omp_h.omp_set_num_threads(1);
        try {
            DnnlCalls.sgemm(transA, transB, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
        } finally {
            omp_h.omp_set_num_threads(threads);
        }
    }

    /** A descriptor of single-precision data with this layout tag and these logical extents. */
    MemorySegment desc(int tag, long... dims) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            MemorySegment extents = call.allocate(ValueLayout.JAVA_LONG, MAX_DIMS);
            MemorySegment.copy(dims, 0, extents, ValueLayout.JAVA_LONG, 0, dims.length);
            check(
                    dnnl_h.dnnl_memory_desc_create_with_tag(out, dims.length, extents, dnnl_h.dnnl_f32(), tag),
                    "dnnl_memory_desc_create_with_tag");
            MemorySegment desc = out.get(ValueLayout.ADDRESS, 0);
            descriptions.push(() -> dnnl_h.dnnl_memory_desc_destroy(desc));
            return desc;
        }
    }

    /** A descriptor of single-precision data with these extents, and from one to the next so many elements. */
    MemorySegment strided(long[] extents, long[] strides) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(
                    dnnl_h.dnnl_memory_desc_create_with_strides(
                            out,
                            extents.length,
                            call.allocateFrom(ValueLayout.JAVA_LONG, extents),
                            dnnl_h.dnnl_f32(),
                            call.allocateFrom(ValueLayout.JAVA_LONG, strides)),
                    "dnnl_memory_desc_create_with_strides");
            MemorySegment desc = out.get(ValueLayout.ADDRESS, 0);
            descriptions.push(() -> dnnl_h.dnnl_memory_desc_destroy(desc));
            return desc;
        }
    }

    long bytes(MemorySegment desc) {
        return dnnl_h.dnnl_memory_desc_get_size(desc);
    }

    MemorySegment queryMd(MemorySegment primitiveDesc, int query) {
        return dnnl_h.dnnl_primitive_desc_query_md(primitiveDesc, query, 0);
    }

    /** Describes {@code c = a b + bias}; the bias may be NULL. */
    MemorySegment matmul(
            MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c, MemorySegment attributes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(
                    dnnl_h.dnnl_matmul_primitive_desc_create(out, engine, a, b, bias, c, attributes),
                    "dnnl_matmul_primitive_desc_create");
            return ownedDesc(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    MemorySegment ownedDesc(MemorySegment primitiveDesc) {
        descriptions.push(() -> dnnl_h.dnnl_primitive_desc_destroy(primitiveDesc));
        return primitiveDesc;
    }

    DnnlMemory memory(MemorySegment desc) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(dnnl_h.dnnl_memory_create(out, desc, engine, MemorySegment.NULL), "dnnl_memory_create");
            MemorySegment memory = out.get(ValueLayout.ADDRESS, 0);
            releases.push(() -> dnnl_h.dnnl_memory_destroy(memory));
            return new DnnlMemory(memory);
        }
    }

    /** Memory that lives as long as this object. */
    MemorySegment scratch(long bytes) {
        MemorySegment memory = HostMemory.map(bytes);
        releases.push(() -> HostMemory.unmap(memory));
        return memory;
    }

    /** Where a matrix is packed for the calls that follow; every product of the slot uses the same. */
    public SharedMemory packing(int slot) {
        return packings[slot];
    }

    /** Where a worker keeps what it needs until the end of its task. */
    public SharedMemory workspace(int worker) {
        return workspaces[worker];
    }

    DnnlPrimitive primitive(MemorySegment desc, int[] arguments, DnnlMemory... memories) {
        return primitive(stream, desc, arguments, memories);
    }

    /** With a memory for each argument, or null for an argument that there is not. */
    DnnlPrimitive primitive(MemorySegment stream, MemorySegment desc, int[] arguments, DnnlMemory... memories) {
        MemorySegment table = dnnl_exec_arg_t.allocateArray(memories.length, arena);
        int given = 0;
        for (int i = 0; i < memories.length; i++) {
            if (memories[i] != null) {
                MemorySegment entry = dnnl_exec_arg_t.asSlice(table, given++);
                dnnl_exec_arg_t.arg(entry, arguments[i]);
                dnnl_exec_arg_t.memory(entry, memories[i].handle());
            }
        }
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(dnnl_h.dnnl_primitive_create(out, desc), "dnnl_primitive_create");
            MemorySegment primitive = out.get(ValueLayout.ADDRESS, 0);
            releases.push(() -> dnnl_h.dnnl_primitive_destroy(primitive));
            return new DnnlPrimitive(stream, primitive, table, given);
        }
    }

    /** Copies between layouts. */
    DnnlPrimitive reorder(DnnlMemory source, DnnlMemory destination) {
        return reorder(source, destination, MemorySegment.NULL);
    }

    /** As the other, with attributes. */
    DnnlPrimitive reorder(DnnlMemory source, DnnlMemory destination, MemorySegment attributes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(
                    dnnl_h.dnnl_reorder_primitive_desc_create(
                            out, descOf(source), engine, descOf(destination), engine, attributes),
                    "dnnl_reorder_primitive_desc_create");
            return primitive(
                    ownedDesc(out.get(ValueLayout.ADDRESS, 0)),
                    new int[] {dnnl_h.DNNL_ARG_SRC(), dnnl_h.DNNL_ARG_DST()},
                    source,
                    destination);
        }
    }

    private static MemorySegment descOf(DnnlMemory memory) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            check(dnnl_h.dnnl_memory_get_memory_desc(memory.handle(), out), "dnnl_memory_get_memory_desc");
            return out.get(ValueLayout.ADDRESS, 0);
        }
    }

    /** Gives back all descriptions: what was made of them has copies. A primitive's alone is a quarter of a megabyte. */
    public void forgetDescriptions() {
        runAll(descriptions);
    }

    private static void runAll(Deque<Runnable> tasks) {
        while (!tasks.isEmpty()) {
            tasks.pop().run();
        }
    }

    @Override
    public void close() {
        runAll(descriptions);
        runAll(releases);
        for (SharedMemory memory : packings) {
            memory.unmap();
        }
        for (SharedMemory memory : workspaces) {
            memory.unmap();
        }
        arena.close();
    }
}
