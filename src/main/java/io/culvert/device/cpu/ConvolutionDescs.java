package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.device.ConvGeometry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the directions of a convolution share: descriptors of channels-last activations and of weights, and of the primitives. */
final class ConvolutionDescs {
    final MemorySegment x;
    final MemorySegment y;
    final MemorySegment plainWeights;
    final MemorySegment anyWeights;
    final MemorySegment strides;
    final MemorySegment dilates;
    final MemorySegment padding;

    ConvolutionDescs(OneDnn dnn, Arena arena, ConvGeometry g) {
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

    MemorySegment backwardWeights(OneDnn dnn, Arena arena) {
        MemorySegment hint = forward(dnn, arena);
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        OneDnn.check(
                dnnl_h.dnnl_convolution_backward_weights_primitive_desc_create(
                        out,
                        dnn.engine(),
                        dnnl_h.dnnl_convolution_direct(),
                        x,
                        anyWeights,
                        MemorySegment.NULL,
                        y,
                        strides,
                        dilates,
                        padding,
                        padding,
                        hint,
                        MemorySegment.NULL),
                "dnnl_convolution_backward_weights_primitive_desc_create");
        return dnn.ownedDesc(out.get(ValueLayout.ADDRESS, 0));
    }
}
