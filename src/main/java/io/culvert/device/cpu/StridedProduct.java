package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.omp.omp_h;
import java.lang.foreign.MemorySegment;

/**
 * {@code c = a b} or {@code c += a b} of so many matrices each, which lie anywhere, their rows and columns any distance apart, on the
 * thread that calls it: for kernels that go from one small product to the next. One for each worker. A call takes oneDNN one or two
 * microseconds beside the arithmetic, whatever the number of matrices.
 */
public final class StridedProduct {
    /** Elements from one matrix, from one row and from one column to the next; one of the last two is 1. */
    public record Strides(long matrix, long row, long column) {
        /** Of rows so many elements apart. */
        public static Strides rows(long matrix, long apart) {
            return new Strides(matrix, apart, 1);
        }

        /** Of matrices whose transposes lie so. */
        public static Strides columns(long matrix, long apart) {
            return new Strides(matrix, 1, apart);
        }
    }

    private final DnnlMemory a;
    private final DnnlMemory b;
    private final DnnlMemory c;
    private final DnnlMemory scratch;
    private final DnnlPrimitive primitive;
    private final long scratchBytes;

    /**
     * Of a {@code [matrices, rows, inner]}, b {@code [matrices, inner, columns]} and c {@code [matrices, rows, columns]}.
     *
     * @param c by rows
     * @param add whether to add to what c holds
     */
    public StridedProduct(
            OneDnn dnn, int matrices, int rows, int columns, int inner, Strides a, Strides b, Strides c, boolean add) {
        MemorySegment aDesc = describe(dnn, a, matrices, rows, inner);
        MemorySegment bDesc = describe(dnn, b, matrices, inner, columns);
        MemorySegment cDesc = describe(dnn, c, matrices, rows, columns);
        MemorySegment attributes = dnn.scratchpadFromCaller();
        if (add) {
            dnn.addsToDestination(attributes);
        }
        this.a = dnn.memory(aDesc);
        this.b = dnn.memory(bDesc);
        this.c = dnn.memory(cDesc);
        // A primitive runs on as many threads as OpenMP had when it was described.
        omp_h.omp_set_num_threads(1);
        try {
            MemorySegment product = dnn.matmul(aDesc, bDesc, MemorySegment.NULL, cDesc, attributes);
            MemorySegment scratchDesc = dnn.queryMd(product, dnnl_h.dnnl_query_scratchpad_md());
            scratchBytes = dnn.bytes(scratchDesc);
            scratch = dnn.memory(scratchDesc);
            int[] arguments = {
                dnnl_h.DNNL_ARG_SRC(), dnnl_h.DNNL_ARG_WEIGHTS(), dnnl_h.DNNL_ARG_DST(), dnnl_h.DNNL_ARG_SCRATCHPAD()
            };
            primitive = dnn.primitive(dnn.newStream(), product, arguments, this.a, this.b, this.c, scratch);
        } finally {
            omp_h.omp_set_num_threads(dnn.threads());
        }
    }

    private static MemorySegment describe(OneDnn dnn, Strides strides, int matrices, int rows, int columns) {
        return dnn.strided(
                new long[] {matrices, rows, columns}, new long[] {strides.matrix(), strides.row(), strides.column()});
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
