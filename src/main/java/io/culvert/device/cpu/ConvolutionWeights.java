package io.culvert.device.cpu;

import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_DIFF_DST;
import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_DIFF_WEIGHTS;
import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_SRC;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.device.ConvGeometry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The gradient of a convolution's weights as oneDNN computes it, in a blocked layout of its own, from where it is added to ours. */
public final class ConvolutionWeights {
    private static final int FEW_CHANNELS = 4;

    private final DnnlPrimitive primitive;
    private final DnnlMemory x;
    private final DnnlMemory dy;
    private final DnnlPrimitive add;
    private final DnnlMemory gradient;

    public ConvolutionWeights(OneDnn dnn, ConvGeometry geometry) {
        try (Arena arena = Arena.ofConfined()) {
            ConvolutionDescs descs = new ConvolutionDescs(dnn, arena, geometry);
            MemorySegment desc = descs.backwardWeights(dnn, arena);
            MemorySegment blockedDesc = dnn.queryMd(desc, dnnl_h.dnnl_query_diff_weights_md());
            x = dnn.memory(descs.x);
            dy = dnn.memory(descs.y);
            gradient = dnn.memory(descs.plainWeights);
            DnnlMemory blocked = dnn.memory(blockedDesc);
            blocked.pointAt(dnn.scratch(dnn.bytes(blockedDesc)));
            primitive = dnn.primitive(
                    desc, new int[] {DNNL_ARG_SRC(), DNNL_ARG_DIFF_DST(), DNNL_ARG_DIFF_WEIGHTS()}, x, dy, blocked);
            add = dnn.reorder(blocked, gradient, dnn.adding());
        }
    }

    /**
     * Whether this is faster than a product over columns: measured with AVX-512, for windows a pixel apart and for images; with AVX2,
     * or windows that skip pixels, oneDNN's kernel is the slower one.
     */
    public static boolean pays(OneDnn dnn, ConvGeometry g) {
        return dnn.hasAvx512() && g.kernel() > 1 && (g.stride() == 1 || g.in() <= FEW_CHANNELS);
    }

    /** {@code gradient += dy^T columns(x)}, gradient {@code [out, kernel, kernel, in]}. */
    public void add(MemorySegment x, MemorySegment dy, MemorySegment gradient) {
        this.x.pointAt(x);
        this.dy.pointAt(dy);
        this.gradient.pointAt(gradient);
        primitive.execute();
        add.execute();
    }
}
