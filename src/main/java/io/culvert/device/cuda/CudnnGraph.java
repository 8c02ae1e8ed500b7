package io.culvert.device.cuda;

import io.culvert.bindings.cudnn.cudnn_h;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Operations on tensors that cuDNN runs as one, by its graph (backend) interface. The order of making it: tensors and
 * operations, {@link #finish}, {@link #plan} (asks for an engine), {@link Plan#bind} (addresses); then a step runs it.
 *
 * @param <R> what its tensors in memory are called
 */
final class CudnnGraph<R extends Enum<R>> implements AutoCloseable {
    /** What every address of a tensor in memory is a multiple of, in bytes. */
    static final int ALIGNMENT = 16;

    /** Plans that ask for more are left out. */
    private static final long MOST_WORKSPACE = 1L << 30;

    private static final int CANDIDATES = 8;

    private final MemorySegment handle;
    private final List<CudnnDescriptor> made = new ArrayList<>();
    private final List<CudnnDescriptor> operations = new ArrayList<>();
    private final Map<R, Long> uids = new LinkedHashMap<>();
    private final Map<R, CudnnDescriptor> tensors = new LinkedHashMap<>();
    private long count;
    private CudnnDescriptor graph;

    /** @param handle of the GPU to run on; null for a graph that is only made and checked */
    CudnnGraph(MemorySegment handle) {
        this.handle = handle;
    }

    /** Creates a descriptor that lives as long as the graph. */
    CudnnDescriptor create(String kind, int type) {
        CudnnDescriptor created = new CudnnDescriptor(kind, type);
        made.add(created);
        return created;
    }

    private CudnnDescriptor tensor(String name, int type, long n, long c, long h, long w) {
        return create(name, cudnn_h.CUDNN_BACKEND_TENSOR_DESCRIPTOR())
                .longs(cudnn_h.CUDNN_ATTR_TENSOR_UNIQUE_ID(), ++count)
                .choice(cudnn_h.CUDNN_ATTR_TENSOR_DATA_TYPE(), cudnn_h.CUDNN_TYPE_DATA_TYPE(), type)
                .longs(cudnn_h.CUDNN_ATTR_TENSOR_DIMENSIONS(), n, c, h, w)
                .longs(cudnn_h.CUDNN_ATTR_TENSOR_STRIDES(), c * h * w, 1, c * w, c)
                .longs(cudnn_h.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT(), ALIGNMENT);
    }

    /**
     * A channels-last tensor in memory; asked for again, the same.
     *
     * @param type {@code CUDNN_DATA_*}
     */
    CudnnDescriptor tensor(R role, int type, long n, long c, long h, long w) {
        return tensors.computeIfAbsent(role, key -> {
            CudnnDescriptor tensor = tensor(role.name(), type, n, c, h, w).finish();
            uids.put(role, count);
            return tensor;
        });
    }

    /** A channels-last tensor that one operation hands to the next and that never lies in memory. */
    CudnnDescriptor between(int type, long n, long c, long h, long w) {
        return tensor("between operations", type, n, c, h, w)
                .yes(cudnn_h.CUDNN_ATTR_TENSOR_IS_VIRTUAL())
                .finish();
    }

    /** A single that the host gives. */
    CudnnDescriptor scalar(R role) {
        return tensors.computeIfAbsent(role, key -> {
            CudnnDescriptor scalar = tensor(role.name(), cudnn_h.CUDNN_DATA_FLOAT(), 1, 1, 1, 1)
                    .yes(cudnn_h.CUDNN_ATTR_TENSOR_IS_BY_VALUE())
                    .finish();
            uids.put(role, count);
            return scalar;
        });
    }

    /** An operation whose attributes are set. */
    void add(CudnnDescriptor operation) {
        operations.add(operation.finish());
    }

    /** An operation on each element, in single precision, without its operands yet. */
    CudnnDescriptor pointwise(int mode) {
        CudnnDescriptor how = create("pointwise", cudnn_h.CUDNN_BACKEND_POINTWISE_DESCRIPTOR())
                .choice(cudnn_h.CUDNN_ATTR_POINTWISE_MODE(), cudnn_h.CUDNN_TYPE_POINTWISE_MODE(), mode)
                .choice(
                        cudnn_h.CUDNN_ATTR_POINTWISE_MATH_PREC(), cudnn_h.CUDNN_TYPE_DATA_TYPE(),
                        cudnn_h.CUDNN_DATA_FLOAT())
                .finish();
        return create("operation on elements", cudnn_h.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR())
                .part(cudnn_h.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR(), how);
    }

    /** The library checks here how the operations hang together. */
    CudnnGraph<R> finish() {
        graph = create("graph", cudnn_h.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR())
                .parts(cudnn_h.CUDNN_ATTR_OPERATIONGRAPH_OPS(), operations);
        if (handle != null) {
            graph.addresses(
                    cudnn_h.CUDNN_ATTR_OPERATIONGRAPH_HANDLE(), cudnn_h.CUDNN_TYPE_HANDLE(), handle.address());
        }
        graph.finish();
        return this;
    }

    /** What the library would run the graph with, best first, of that what repeats bit for bit; empty if it has nothing. */
    List<CudnnDescriptor> engines() {
        return engines(null);
    }

    /** @param device properties of a GPU that need not be there; null for that of the handle */
    List<CudnnDescriptor> engines(CudnnDescriptor device) {
        List<CudnnDescriptor> engines = new ArrayList<>();
        for (int mode : new int[] {cudnn_h.CUDNN_HEUR_MODE_A(), cudnn_h.CUDNN_HEUR_MODE_FALLBACK()}) {
            CudnnDescriptor heuristics = create("heuristics", cudnn_h.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR())
                    .part(cudnn_h.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH(), graph)
                    .choice(cudnn_h.CUDNN_ATTR_ENGINEHEUR_MODE(), cudnn_h.CUDNN_TYPE_HEUR_MODE(), mode);
            if (device != null) {
                heuristics.part(cudnn_h.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP(), device);
            }
            if (heuristics.tryFinish() == 0) {
                engines.addAll(heuristics.results(
                        cudnn_h.CUDNN_ATTR_ENGINEHEUR_RESULTS(), "engine with its settings",
                        cudnn_h.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR(), CANDIDATES));
            }
        }
        made.addAll(engines);
        engines.removeIf(engine -> !repeats(engine));
        return engines;
    }

    private boolean repeats(CudnnDescriptor configured) {
        CudnnDescriptor engine = configured.results(
                        cudnn_h.CUDNN_ATTR_ENGINECFG_ENGINE(), "engine", cudnn_h.CUDNN_BACKEND_ENGINE_DESCRIPTOR(), 1)
                .getFirst();
        made.add(engine);
        return !engine.has(
                cudnn_h.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE(), cudnn_h.CUDNN_TYPE_NUMERICAL_NOTE(),
                cudnn_h.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC());
    }

    /** The first engine that can be made ready; empty if the library has none. */
    Optional<Plan> plan() {
        for (CudnnDescriptor engine : engines()) {
            CudnnDescriptor plan = create("plan", cudnn_h.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR())
                    .addresses(
                            cudnn_h.CUDNN_ATTR_EXECUTION_PLAN_HANDLE(), cudnn_h.CUDNN_TYPE_HANDLE(), handle.address())
                    .part(cudnn_h.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), engine);
            if (plan.tryFinish() == 0) {
                long bytes = plan.number(cudnn_h.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
                if (bytes <= MOST_WORKSPACE) {
                    return Optional.of(new Plan(plan, bytes));
                }
            }
        }
        return Optional.empty();
    }

    /** A graph with the engine that runs it. */
    final class Plan {
        private final CudnnDescriptor descriptor;
        private final long bytes;

        private Plan(CudnnDescriptor descriptor, long bytes) {
            this.descriptor = descriptor;
            this.bytes = bytes;
        }

        /** Of working memory. */
        long bytes() {
            return bytes;
        }

        /**
         * @param addresses of every tensor in memory and, on the host, of every scalar
         * @param workspace {@link #bytes} of it
         */
        Bound bind(Map<R, Long> addresses, long workspace) {
            if (!addresses.keySet().containsAll(uids.keySet())) {
                throw new IllegalStateException("a graph of " + uids.keySet() + " was given " + addresses.keySet());
            }
            CudnnDescriptor pack = create("pack of addresses", cudnn_h.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR())
                    .longs(
                            cudnn_h.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS(),
                            uids.values().stream().mapToLong(Long::longValue).toArray())
                    .addresses(
                            cudnn_h.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS(), cudnn_h.CUDNN_TYPE_VOID_PTR(),
                            uids.keySet().stream().mapToLong(addresses::get).toArray())
                    .addresses(cudnn_h.CUDNN_ATTR_VARIANT_PACK_WORKSPACE(), cudnn_h.CUDNN_TYPE_VOID_PTR(), workspace)
                    .finish();
            return new Bound(handle, descriptor, pack);
        }
    }

    /** A plan on fixed addresses, to be run again and again. */
    record Bound(MemorySegment handle, CudnnDescriptor plan, CudnnDescriptor pack) {
        /** Queues it; returns the library's status. */
        int run() {
            return CudnnDescriptor.execute(handle, plan, pack);
        }
    }

    @Override
    public void close() {
        made.reversed().forEach(CudnnDescriptor::close);
        made.clear();
    }
}
