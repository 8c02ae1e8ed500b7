package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.omp.omp_h;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * As {@link PackedProduct}, of many matrices at a time: {@code c_i = a_i W_i} for blocks of rows, a {@code [matrices, rows, inner]} and c
 * {@code [matrices, rows, columns]} of one block, whose matrices lie {@link #apart} from each other.
 */
public final class PackedProducts {
    /** Elements of a cache line. */
    private static final int LINE = 64 / Float.BYTES;

    private final OneDnn dnn;
    private final int slot;
    private final int matrices;
    private final int inner;
    private final int columns;
    private final int block;
    private final MemorySegment attributes;
    private final DnnlMemory plain;
    private final DnnlMemory packed;
    private final DnnlPrimitive reorder;
    /** For each worker. */
    private final Rows[] whole;
    /** For the last block, or null where it has as many rows as the others. */
    private final Rows last;

    private long scratchBytes;

    /** The products of a number of rows on one thread. */
    private record Rows(DnnlPrimitive primitive, DnnlMemory from, DnnlMemory to, DnnlMemory scratch) {}

    /**
     * Describes them.
     *
     * @param slot whose memory the packed weights lie in; two products that are used in turns need different ones
     * @param rows of all blocks together
     * @param block rows of each block but the last
     * @param transposed whether the weights that are given are {@code [matrices, columns, inner]}
     */
    public PackedProducts(
            OneDnn dnn, int slot, int matrices, int threads, int rows, int block, int inner, int columns,
            boolean transposed) {
        this.dnn = dnn;
        this.slot = slot;
        this.matrices = matrices;
        this.inner = inner;
        this.columns = columns;
        this.block = block;
        attributes = dnn.scratchpadFromCaller();
        long row = transposed ? 1 : columns;
        long column = transposed ? inner : 1;
        plain = dnn.memory(dnn.strided(
                new long[] {matrices, inner, columns}, new long[] {(long) inner * columns, row, column}));
        // A primitive runs on as many threads as OpenMP had when it was described.
        omp_h.omp_set_num_threads(1);
        try {
            MemorySegment product =
                    describe(block, dnn.desc(dnnl_h.dnnl_format_tag_any(), matrices, inner, columns));
            MemorySegment packedDesc = dnn.queryMd(product, dnnl_h.dnnl_query_weights_md());
            dnn.packing(slot).reserve(dnn.bytes(packedDesc));
            packed = dnn.memory(packedDesc);
            whole = new Rows[threads];
            Arrays.setAll(whole, worker -> rows(product, block));
            int rest = rows % block;
            last = rest == 0 ? null : rows(describe(rest, packedDesc), rest);
        } finally {
            omp_h.omp_set_num_threads(threads);
        }
        reorder = dnn.reorder(plain, packed);
    }

    /**
     * Elements from one matrix of a block of rows of that width to the next: a line more than it takes, for what lies a power of two apart shares
     * a few lines of a cache.
     */
    public static long apart(int block, int width) {
        return (long) block * width + LINE;
    }

    private MemorySegment describe(int rows, MemorySegment weights) {
        return dnn.matmul(rows(rows, inner), weights, MemorySegment.NULL, rows(rows, columns), attributes);
    }

    private MemorySegment rows(int rows, int width) {
        return dnn.strided(new long[] {matrices, rows, width}, new long[] {apart(block, width), width, 1});
    }

    private Rows rows(MemorySegment product, int rows) {
        DnnlMemory from = dnn.memory(rows(rows, inner));
        DnnlMemory to = dnn.memory(rows(rows, columns));
        MemorySegment scratchDesc = dnn.queryMd(product, dnnl_h.dnnl_query_scratchpad_md());
        scratchBytes = Math.max(scratchBytes, dnn.bytes(scratchDesc));
        DnnlMemory scratch = dnn.memory(scratchDesc);
        int[] arguments = {
            dnnl_h.DNNL_ARG_SRC(), dnnl_h.DNNL_ARG_WEIGHTS(), dnnl_h.DNNL_ARG_DST(), dnnl_h.DNNL_ARG_SCRATCHPAD()
        };
        DnnlPrimitive primitive = dnn.primitive(dnn.newStream(), product, arguments, from, packed, to, scratch);
        return new Rows(primitive, from, to, scratch);
    }

    /** Of memory that a call uses meanwhile. */
    public long scratchBytes() {
        return scratchBytes;
    }

    /** Says which weights the next calls use. Of the thread that makes all other calls of oneDNN. */
    public void pack(MemorySegment weights) {
        plain.pointAt(weights);
        packed.pointAt(dnn.packing(slot).memory());
        reorder.execute();
    }

    /**
     * Multiplies a block of rows on the calling thread; a, c and the scratch are addresses.
     *
     * @param rows those of every block, or those of the last
     */
    public void multiply(int worker, long a, long c, long scratch, int rows) {
        Rows product = rows == block ? whole[worker] : last;
        product.from.pointAt(a);
        product.to.pointAt(c);
        product.scratch.pointAt(scratch);
        product.primitive.execute();
    }
}
