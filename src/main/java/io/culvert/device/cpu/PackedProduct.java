package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.omp.omp_h;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Products of blocks of rows with a layer's weights, {@code y = x W^T + bias} or {@code dx = dy W}, with the weights in the
 * layout that oneDNN asks for. They are packed once for all blocks, which {@link OneDnn#sgemm} does for each, and a bias and a residual are
 * added before a result leaves the registers. Each product runs on the thread that calls it, so that {@link Workers} can take a
 * block through several layers while it is in their caches, without waiting for each other in between. The packed copy lies in
 * memory that all products of a slot share: a caller packs, multiplies, and is done with it.
 */
public final class PackedProduct {
    /** Rows of a block that keep a core busy for much longer than a call takes, and with results of 768 columns fit its cache. */
    public static final int BLOCK = 64;

    private final OneDnn dnn;
    private final int slot;
    private final int inner;
    private final int columns;
    private final int block;
    private final MemorySegment biasDesc;
    private final boolean withResidual;
    private final DnnlMemory bias;
    private final DnnlMemory plain;
    private final DnnlMemory packed;
    private final DnnlPrimitive reorder;
    /** For each worker. */
    private final Rows[] whole;
    /** For the last block, or null where it has as many rows as the others. */
    private final Rows last;

    /** The product of a number of rows on one thread. */
    private record Rows(DnnlPrimitive primitive, DnnlMemory from, DnnlMemory residual, DnnlMemory to) {}

    private PackedProduct(
            OneDnn dnn, int slot, int threads, int rows, int block, int inner, int columns, int plainTag,
            boolean withBias, boolean withResidual) {
        this.dnn = dnn;
        this.withResidual = withResidual;
        this.slot = slot;
        this.inner = inner;
        this.columns = columns;
        this.block = block;
        biasDesc = withBias ? dnn.desc(dnnl_h.dnnl_ab(), 1, columns) : MemorySegment.NULL;
        bias = withBias ? dnn.memory(biasDesc) : null;
        plain = dnn.memory(dnn.desc(plainTag, inner, columns));
        // A primitive runs on as many threads as OpenMP had when it was described.
        omp_h.omp_set_num_threads(1);
        try {
            MemorySegment product = describe(block, dnn.desc(packedTag(), inner, columns));
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
     * {@code y = x W^T + bias + residual}, W {@code [out, in]}.
     *
     * @param slot 0 or 1; two products that are used in turns need different ones
     * @param rows of all blocks together
     * @param block rows of each block but the last
     * @param withBias whether there is one, {@code [out]}
     * @param withResidual whether there is one, like y
     */
    public static PackedProduct forward(
            OneDnn dnn, int slot, int threads, int rows, int block, int in, int out, boolean withBias, boolean withResidual) {
        return new PackedProduct(dnn, slot, threads, rows, block, in, out, dnnl_h.dnnl_ba(), withBias, withResidual);
    }

    /** {@code dx = dy W}, W {@code [out, in]}; the rest as {@link #forward}. */
    public static PackedProduct backward(OneDnn dnn, int slot, int threads, int rows, int block, int in, int out) {
        return new PackedProduct(dnn, slot, threads, rows, block, out, in, dnnl_h.dnnl_ab(), false, false);
    }

    /**
     * How weights are packed. With AVX-512 a panel of 48 columns by 192 takes 36 of the 48 KiB of the innermost cache, where oneDNN's
     * own choice of 64 fills it: 3 to 5 % more GFLOP/s, and 10 where the result has few columns.
     */
    private int packedTag() {
        boolean narrow = dnn.hasAvx512() && columns % 48 == 0;
        return narrow ? dnnl_h.dnnl_BA16a48b() : dnnl_h.dnnl_format_tag_any();
    }

    private MemorySegment describe(int rows, MemorySegment weights) {
        MemorySegment attributes = dnn.scratchpadFromCaller();
        if (withResidual) {
            dnn.addsAnother(attributes, dnn.desc(dnnl_h.dnnl_ab(), rows, columns));
        }
        return dnn.matmul(
                dnn.desc(dnnl_h.dnnl_ab(), rows, inner),
                weights,
                biasDesc,
                dnn.desc(dnnl_h.dnnl_ab(), rows, columns),
                attributes);
    }

    private Rows rows(MemorySegment product, int rows) {
        DnnlMemory from = dnn.memory(dnn.desc(dnnl_h.dnnl_ab(), rows, inner));
        DnnlMemory to = dnn.memory(dnn.desc(dnnl_h.dnnl_ab(), rows, columns));
        MemorySegment scratchDesc = dnn.queryMd(product, dnnl_h.dnnl_query_scratchpad_md());
        DnnlMemory scratch = dnn.memory(scratchDesc);
        if (dnn.bytes(scratchDesc) > 0) {
            scratch.pointAt(dnn.scratch(dnn.bytes(scratchDesc)));
        }
        DnnlMemory residual = withResidual ? dnn.memory(dnn.desc(dnnl_h.dnnl_ab(), rows, columns)) : null;
        int[] arguments = {
            dnnl_h.DNNL_ARG_SRC(),
            dnnl_h.DNNL_ARG_WEIGHTS(),
            dnnl_h.DNNL_ARG_DST(),
            dnnl_h.DNNL_ARG_SCRATCHPAD(),
            dnnl_h.DNNL_ARG_BIAS(),
            OneDnn.ADDED
        };
        DnnlPrimitive primitive =
                dnn.primitive(dnn.newStream(), product, arguments, from, packed, to, scratch, bias, residual);
        return new Rows(primitive, from, residual, to);
    }

    /** Says which weights the next calls use. Of the thread that makes all other calls of oneDNN. */
    public void pack(MemorySegment weights) {
        plain.pointAt(weights);
        packed.pointAt(dnn.packing(slot).memory());
        reorder.execute();
    }

    /** As {@link #pack}, and with which bias. */
    public void pack(MemorySegment weights, MemorySegment biases) {
        bias.pointAt(biases);
        pack(weights);
    }

    /**
     * Multiplies a block of rows on the calling thread.
     *
     * @param rows those of every block, or those of the last
     */
    public void multiply(int worker, MemorySegment source, MemorySegment destination, int rows) {
        multiply(worker, source, null, destination, rows);
    }

    /** As the other with the rows' residual, which is looked at only where there is one. */
    public void multiply(int worker, MemorySegment source, MemorySegment residual, MemorySegment destination, int rows) {
        Rows product = rows == block ? whole[worker] : last;
        product.from.pointAt(source);
        if (withResidual) {
            product.residual.pointAt(residual);
        }
        product.to.pointAt(destination);
        product.primitive.execute();
    }
}
