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
import java.lang.foreign.ValueLayout;

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

    private ConvolutionPrimitive(OneDnn dnn, Descs descs, MemorySegment desc, boolean forward) {
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
            Descs descs = new Descs(dnn, arena, geometry);
            return new ConvolutionPrimitive(dnn, descs, descs.forward(dnn, arena), true);
        }
    }

    /** {@code dx} from {@code dy} and the weights. */
    public static ConvolutionPrimitive backwardData(OneDnn dnn, ConvGeometry geometry) {
        try (Arena arena = Arena.ofConfined()) {
            Descs descs = new Descs(dnn, arena, geometry);
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

    /** The memory descriptors that both directions share. */
    private static final class Descs {
        final MemorySegment x;
        final MemorySegment y;
        final MemorySegment plainWeights;
        final MemorySegment anyWeights;
        final MemorySegment strides;
        final MemorySegment dilates;
        final MemorySegment padding;

        Descs(OneDnn dnn, Arena arena, ConvGeometry g) {
            int nhwc = dnnl_h.dnnl_nhwc();
            x = dnn.desc(nhwc, g.n(), g.in(), g.height(), g.width());
            y = dnn.desc(nhwc, g.n(), g.out(), g.outHeight(), g.outWidth());
            plainWeights = dnn.desc(dnnl_h.dnnl_ohwi(), g.out(), g.in(), g.kernel(), g.kernel());
            anyWeights = dnn.desc(dnnl_h.dnnl_format_tag_any(), g.out(), g.in(), g.kernel(), g.kernel());
            strides = arena.allocateFrom(ValueLayout.JAVA_LONG, g.stride(), g.stride());
            dilates = arena.allocateFrom(ValueLayout.JAVA_LONG, 0, 0);
            padding = arena.allocateFrom(ValueLayout.JAVA_LONG, g.padding(), g.padding());
        }

        MemorySegment forward(OneDnn dnn, Arena arena) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            OneDnn.check(
                    dnnl_h.dnnl_convolution_forward_primitive_desc_create(
                            out,
                            dnn.engine(),
                            dnnl_h.dnnl_forward_training(),
                            dnnl_h.dnnl_convolution_direct(),
                            x,
                            anyWeights,
                            MemorySegment.NULL,
                            y,
                            strides,
                            dilates,
                            padding,
                            padding,
                            MemorySegment.NULL),
                    "dnnl_convolution_forward_primitive_desc_create");
            return dnn.ownedDesc(out.get(ValueLayout.ADDRESS, 0));
        }

        MemorySegment backwardData(OneDnn dnn, Arena arena) {
            MemorySegment hint = forward(dnn, arena);
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            OneDnn.check(
                    dnnl_h.dnnl_convolution_backward_data_primitive_desc_create(
                            out,
                            dnn.engine(),
                            dnnl_h.dnnl_convolution_direct(),
                            x,
                            anyWeights,
                            y,
                            strides,
                            dilates,
                            padding,
                            padding,
                            hint,
                            MemorySegment.NULL),
                    "dnnl_convolution_backward_data_primitive_desc_create");
            return dnn.ownedDesc(out.get(ValueLayout.ADDRESS, 0));
        }
    }
}
