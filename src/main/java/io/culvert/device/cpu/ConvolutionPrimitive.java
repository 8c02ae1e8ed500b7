package io.culvert.device.cpu;

import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_DIFF_DST;
import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_DIFF_SRC;
import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_DST;
import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_SRC;
import static io.culvert.bindings.dnnl.dnnl_h.DNNL_ARG_WEIGHTS;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.device.ConvGeometry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One direction of a convolution as oneDNN computes it best on channels-last activations, with its own copy of the
 * weights in the blocked layout that it asked for.
 */
public final class ConvolutionPrimitive {
    private final DnnlPrimitive primitive;
    private final DnnlMemory from;
    private final DnnlMemory to;
    private final DnnlPrimitive reorder;
    private final DnnlMemory plainWeights;
    private int packedVersion = -1;

    private ConvolutionPrimitive(OneDnn dnn, ConvolutionDescs descs, MemorySegment desc, boolean forward) {
        MemorySegment packedDesc = dnn.queryMd(desc, dnnl_h.dnnl_query_weights_md());
        from = dnn.memory(forward ? descs.x : descs.y);
        to = dnn.memory(forward ? descs.y : descs.x);
        plainWeights = dnn.memory(descs.plainWeights);
        DnnlMemory packed = dnn.memory(packedDesc);
        packed.pointAt(dnn.scratch(dnn.bytes(packedDesc)));
        reorder = dnn.reorder(plainWeights, packed);
        primitive = dnn.primitive(
                desc,
                new int[] {
                    forward ? DNNL_ARG_SRC() : DNNL_ARG_DIFF_DST(),
                    DNNL_ARG_WEIGHTS(),
                    forward ? DNNL_ARG_DST() : DNNL_ARG_DIFF_SRC()
                },
                from,
                packed,
                to);
    }

    /** {@code y = conv(x, weights)}. */
    public static ConvolutionPrimitive forward(OneDnn dnn, ConvGeometry geometry) {
        try (Arena arena = Arena.ofConfined()) {
            ConvolutionDescs descs = new ConvolutionDescs(dnn, arena, geometry);
            return new ConvolutionPrimitive(dnn, descs, descs.forward(dnn, arena), true);
        }
    }

    /** {@code dx} from {@code dy} and the weights. */
    public static ConvolutionPrimitive backwardData(OneDnn dnn, ConvGeometry geometry) {
        try (Arena arena = Arena.ofConfined()) {
            ConvolutionDescs descs = new ConvolutionDescs(dnn, arena, geometry);
            return new ConvolutionPrimitive(dnn, descs, descs.backwardData(dnn, arena), false);
        }
    }

    /** Says which weights {@code [out, kernel, kernel, in]} the next calls use; reorders them if their version is new. */
    public void weights(MemorySegment weights, int version) {
        if (version != packedVersion) {
            plainWeights.pointAt(weights);
            reorder.execute();
            packedVersion = version;
        }
    }

    public void execute(MemorySegment source, MemorySegment destination) {
        from.pointAt(source);
        to.pointAt(destination);
        primitive.execute();
    }
}
