package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * One direction of a convolution of small maps with large weights, as matrix products whose rows are images: one for each pixel
 * of the result and each run of weights that meets it. A library that goes through an image at a time reads all weights for each,
 * from memory if they exceed its caches; here a weight is read once a pixel and serves every image. Nothing is copied, and taps that hang
 * over the edge, five of nine on a map of 2 x 2, are not multiplied.
 */
final class PixelProducts {
    /** Output pixels of a map up to which a library waits for weights and not for arithmetic. */
    private static final int SMALL = 16;

    /** Bytes of weights that no core's cache keeps beside the rest. */
    private static final long LARGE = 1 << 20;

    /** Images that make a product worth its packing. */
    private static final int MANY = 32;

    private final OneDnn dnn;
    private final Workers workers;
    private final boolean forward;
    private final int inner;
    private final int columns;
    private final int taps;
    private final int sourceStride;
    private final int resultStride;
    /** For each group of images and pixel of the result. */
    private final List<List<Product>> products;

    private final Workers.Range task = this::multiply;
    private long sourceAddress;
    private long resultAddress;
    private long weightsAddress;

    /** Elements at which the factors and the result begin; depth is the inner dimension. */
    private static final class Product {
        final int images;
        final long source;
        final long weights;
        final long result;
        final int depth;
        MemorySegment sourceSlice;
        MemorySegment weightsSlice;
        MemorySegment resultSlice;

        Product(int images, long source, long weights, long result, int depth) {
            this.images = images;
            this.source = source;
            this.weights = weights;
            this.result = result;
            this.depth = depth;
        }
    }

    private PixelProducts(CpuDevice cpu, ConvGeometry g, boolean forward) {
        this.forward = forward;
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        inner = forward ? g.in() : g.out();
        columns = forward ? g.out() : g.in();
        taps = g.taps();
        int maps = g.height() * g.width() * g.in();
        int outMaps = g.outHeight() * g.outWidth() * g.out();
        sourceStride = forward ? maps : outMaps;
        resultStride = forward ? outMaps : maps;
        int pixels = resultStride / columns;
        int groups = Math.clamp(Math.ceilDiv(workers.threads(), pixels), 1, Math.max(1, g.n() / MANY));
        products = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            int first = (int) ((long) g.n() * group / groups);
            int images = (int) ((long) g.n() * (group + 1) / groups) - first;
            for (int pixel = 0; pixel < pixels; pixel++) {
                products.add(forward ? toOutput(g, first, images, pixel) : toInput(g, first, images, pixel));
            }
        }
    }

    /** {@code y = conv(x, weights)}, or null where this would not pay. */
    static PixelProducts forward(CpuDevice cpu, ConvGeometry geometry) {
        return pays(geometry) ? new PixelProducts(cpu, geometry, true) : null;
    }

    /** {@code dx} from {@code dy} and the weights, or null where this would not pay. */
    static PixelProducts backwardData(CpuDevice cpu, ConvGeometry geometry) {
        // Else some pixels meet no tap, between two windows or behind the last, and would stay as they are.
        boolean all = geometry.kernel() >= geometry.stride() && geometry.padding() >= geometry.stride() - 1;
        return pays(geometry) && all
                ? new PixelProducts(cpu, geometry, false)
                : null;
    }

    private static boolean pays(ConvGeometry g) {
        return g.outHeight() * g.outWidth() <= SMALL
                && g.weights() * Float.BYTES >= LARGE
                && g.n() >= MANY
                && g.kernel() > 1
                && g.padding() < g.kernel();
    }

    /** A run of weights for each kernel row: its taps and the pixels under them lie side by side. */
    private List<Product> toOutput(ConvGeometry g, int firstImage, int images, int pixel) {
        List<Product> runs = new ArrayList<>();
        int top = pixel / g.outWidth() * g.stride() - g.padding();
        int left = pixel % g.outWidth() * g.stride() - g.padding();
        int from = Math.max(0, -left);
        int to = Math.min(g.kernel(), g.width() - left);
        long source = (long) firstImage * sourceStride;
        long result = (long) firstImage * resultStride + (long) pixel * g.out();
        for (int kh = Math.max(0, -top); kh < Math.min(g.kernel(), g.height() - top); kh++) {
            long x = source + (long) ((top + kh) * g.width() + left + from) * g.in();
            runs.add(new Product(images, x, (long) (kh * g.kernel() + from) * g.in(), result, (to - from) * g.in()));
        }
        return runs;
    }

    private List<Product> toInput(ConvGeometry g, int firstImage, int images, int pixel) {
        List<Product> runs = new ArrayList<>();
        long source = (long) firstImage * sourceStride;
        long result = (long) firstImage * resultStride + (long) pixel * g.in();
        for (int kh = 0; kh < g.kernel(); kh++) {
            int h = pixel / g.width() + g.padding() - kh;
            for (int kw = 0; kw < g.kernel(); kw++) {
                int w = pixel % g.width() + g.padding() - kw;
                boolean met = h >= 0 && w >= 0 && h % g.stride() == 0 && w % g.stride() == 0;
                if (met && h / g.stride() < g.outHeight() && w / g.stride() < g.outWidth()) {
                    long dy = source + (long) (h / g.stride() * g.outWidth() + w / g.stride()) * g.out();
                    runs.add(new Product(images, dy, (long) (kh * g.kernel() + kw) * g.in(), result, g.out()));
                }
            }
        }
        return runs;
    }

    /**
     * Multiplies.
     *
     * @param weights {@code [out, kernel, kernel, in]}
     */
    void execute(MemorySegment weights, MemorySegment source, MemorySegment result) {
        if (source.address() != sourceAddress || result.address() != resultAddress || weights.address() != weightsAddress) {
            sourceAddress = source.address();
            resultAddress = result.address();
            weightsAddress = weights.address();
            for (List<Product> pixel : products) {
                for (Product product : pixel) {
                    product.sourceSlice = source.asSlice(product.source * Float.BYTES);
                    product.weightsSlice = weights.asSlice(product.weights * Float.BYTES);
                    product.resultSlice = result.asSlice(product.result * Float.BYTES);
                }
            }
        }
        workers.run(products.size(), 1, task);
    }

    private void multiply(int worker, int from, int to) {
        for (int i = from; i < to; i++) {
            List<Product> pixel = products.get(i);
            for (int k = 0; k < pixel.size(); k++) {
                multiply(pixel.get(k), k == 0 ? 0 : 1);
            }
        }
    }

    private void multiply(Product p, float beta) {
        dnn.sgemmAlone(
                forward ? 'T' : 'N', p.images, columns, p.depth, p.sourceSlice, sourceStride, p.weightsSlice, taps, beta,
                p.resultSlice, resultStride);
    }
}
