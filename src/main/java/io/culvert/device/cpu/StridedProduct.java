package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.omp.omp_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code c = a b} or {@code c += a b} of matrices that lie anywhere, their rows and columns any distance apart, on the thread that
 * calls it: for kernels that go from one small product to the next. One for each worker.
 */
public final class StridedProduct {
    /** Elements from one row, and from one column, to the next; one of them is 1. */
    public record Strides(long row, long column) {
        /** Of rows one after another, so many elements apart. */
        public static Strides rows(long apart) {
            return new Strides(apart, 1);
        }

        /** Of a matrix whose transpose lies so. */
        public static Strides columns(long apart) {
            return new Strides(1, apart);
        }
    }

    private final DnnlMemory a;
    private final DnnlMemory b;
    private final DnnlMemory c;
    private final DnnlMemory scratch;
    private final DnnlPrimitive primitive;
    private final long scratchBytes;

    /**
     * Of a {@code [rows, inner]}, b {@code [inner, columns]} and c {@code [rows, columns]} by rows.
     *
     * @param add whether to add to what c holds
     */
    public StridedProduct(
            OneDnn dnn, int rows, int columns, int inner, Strides a, Strides b, long rowOfC, boolean add) {
        MemorySegment aDesc = dnn.strided(rows, inner, a.row(), a.column());
        MemorySegment bDesc = dnn.strided(inner, columns, b.row(), b.column());
        MemorySegment cDesc = dnn.strided(rows, columns, rowOfC, 1);
        MemorySegment attributes = dnn.scratchpadFromCaller();
        if (add) {
            dnn.addsToDestination(attributes);
        }
        this.a = dnn.memory(aDesc);
        this.b = dnn.memory(bDesc);
        c = dnn.memory(cDesc);
        // A primitive runs on as many threads as OpenMP had when it was described.
        omp_h.omp_set_num_threads(1);
        try {
            MemorySegment product = describe(dnn, aDesc, bDesc, cDesc, attributes);
            MemorySegment scratchDesc = dnn.queryMd(product, dnnl_h.dnnl_query_scratchpad_md());
            scratchBytes = dnn.bytes(scratchDesc);
            scratch = dnn.memory(scratchDesc);
            int[] arguments = {
                dnnl_h.DNNL_ARG_SRC(), dnnl_h.DNNL_ARG_WEIGHTS(), dnnl_h.DNNL_ARG_DST(), dnnl_h.DNNL_ARG_SCRATCHPAD()
            };
            primitive = dnn.primitive(dnn.newStream(), product, arguments, this.a, this.b, c, scratch);
        } finally {
            omp_h.omp_set_num_threads(dnn.threads());
        }
    }

    private static MemorySegment describe(
            OneDnn dnn, MemorySegment a, MemorySegment b, MemorySegment c, MemorySegment attributes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ValueLayout.ADDRESS);
            OneDnn.check(
                    dnnl_h.dnnl_matmul_primitive_desc_create(out, dnn.engine(), a, b, MemorySegment.NULL, c, attributes),
                    "dnnl_matmul_primitive_desc_create");
            return dnn.ownedDesc(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** Of memory that a call uses meanwhile. */
    public long scratchBytes() {
        return scratchBytes;
    }

    /** Multiplies on the calling thread what lies at these addresses. */
    public void multiply(long a, long b, long c, long scratch) {
        this.a.pointAt(a);
        this.b.pointAt(b);
        this.c.pointAt(c);
        this.scratch.pointAt(scratch);
        primitive.execute();
    }
}
