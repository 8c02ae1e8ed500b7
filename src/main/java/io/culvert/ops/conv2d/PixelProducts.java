package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * One direction of a convolution of small maps with large weights, as matrix products over images: one for each output pixel and each run
 * of taps that it meets (each input pixel and tap for the input's gradient). A library that goes through an image at a time reads
 * all weights for each, from memory if they exceed its caches; here a weight is read once a pixel and serves every image. Nothing is copied,
 * and taps that hang over the edge, five of nine on a map of 2 x 2, are not multiplied.
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
    private final ConvGeometry g;
    /** Elements from an image to the next. */
    private final int ofX;

    private final int ofY;
    /** Each list on one thread, in its order. */
    private final List<List<Product>> products = new ArrayList<>();

    private final Workers.Range task = this::multiply;
    private long leftAddress;
    private long rightAddress;
    private long resultAddress;

    /** {@code result [m, n] = op(left) op(right)}, or added to it; each begins at an element and goes from row to row by a stride. */
    private final class Product {
        final char opLeft;
        final char opRight;
        final int m;
        final int n;
        final int depth;
        final long left;
        final long right;
        final long result;
        final int leftStride;
        final int rightStride;
        final int resultStride;
        final boolean adds;

        Product(
                String ops, int m, int n, int depth, long left, int leftStride, long right, int rightStride, long result,
                int resultStride, boolean adds) {
            opLeft = ops.charAt(0);
            opRight = ops.charAt(1);
            this.m = m;
            this.n = n;
            this.depth = depth;
            this.left = left;
            this.leftStride = leftStride;
            this.right = right;
            this.rightStride = rightStride;
            this.result = result;
            this.resultStride = resultStride;
            this.adds = adds;
        }

        void multiply() {
            dnn.sgemmAlone(
                    opLeft,
                    opRight,
                    m,
                    n,
                    depth,
                    leftAddress + left * Float.BYTES,
                    leftStride,
                    rightAddress + right * Float.BYTES,
                    rightStride,
                    adds ? 1 : 0,
                    resultAddress + result * Float.BYTES,
                    resultStride);
        }
    }

    private PixelProducts(CpuDevice cpu, ConvGeometry geometry) {
        g = geometry;
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        ofX = g.height() * g.width() * g.in();
        ofY = g.outHeight() * g.outWidth() * g.out();
    }

    /** {@code y = conv(x, weights)}: {@link #execute} with x, weights and y. Null where this would not pay. */
    static PixelProducts forward(CpuDevice cpu, ConvGeometry geometry) {
        if (!pays(geometry)) {
            return null;
        }
        PixelProducts made = new PixelProducts(cpu, geometry);
        made.eachGroup(geometry.outHeight() * geometry.outWidth(), made::toOutput);
        return made;
    }

    /** {@code dx}: {@link #execute} with dy, weights and dx. Null where this would not pay. */
    static PixelProducts backwardData(CpuDevice cpu, ConvGeometry geometry) {
        // Else some pixels meet no tap, between two windows or behind the last, and would stay as they are.
        boolean all = geometry.kernel() >= geometry.stride() && geometry.padding() >= geometry.stride() - 1;
        if (!pays(geometry) || !all) {
            return null;
        }
        PixelProducts made = new PixelProducts(cpu, geometry);
        made.eachGroup(geometry.height() * geometry.width(), made::toInput);
        return made;
    }

    /** {@code dweights += }: {@link #execute} with dy, x and dweights. Null where this would not pay. */
    static PixelProducts backwardWeights(CpuDevice cpu, ConvGeometry geometry) {
        if (!pays(geometry)) {
            return null;
        }
        PixelProducts made = new PixelProducts(cpu, geometry);
        int groups = Math.clamp(geometry.out() / MANY, 1, cpu.workers().threads());
        for (int group = 0; group < groups; group++) {
            int first = share(geometry.out(), group, groups);
            int filters = share(geometry.out(), group + 1, groups) - first;
            for (int kh = 0; kh < geometry.kernel(); kh++) {
                made.products.add(made.toWeights(kh, first, filters));
            }
        }
        return made;
    }

    private interface OfPixel {
        List<Product> products(int firstImage, int images, int pixel);
    }

    /** Cuts the images into groups where there are more threads than pixels. */
    private void eachGroup(int pixels, OfPixel made) {
        int groups = Math.clamp(Math.ceilDiv(workers.threads(), pixels), 1, g.n() / MANY);
        for (int group = 0; group < groups; group++) {
            int first = share(g.n(), group, groups);
            int images = share(g.n(), group + 1, groups) - first;
            for (int pixel = 0; pixel < pixels; pixel++) {
                products.add(made.products(first, images, pixel));
            }
        }
    }

    private static int share(int count, int group, int groups) {
        return (int) ((long) count * group / groups);
    }

    private static boolean pays(ConvGeometry g) {
        return g.outHeight() * g.outWidth() <= SMALL
                && g.weights() * Float.BYTES >= LARGE
                && g.n() >= MANY
                && g.kernel() > 1
                && g.padding() < g.kernel();
    }

    /** Of an output pixel and a kernel row: taps inside the map, which lie side by side, as do the pixels under them. */
    private record Run(long weights, long x, int length) {}

    /** Null where the row lies outside. */
    private Run run(int pixel, int kh) {
        int h = pixel / g.outWidth() * g.stride() - g.padding() + kh;
        int left = pixel % g.outWidth() * g.stride() - g.padding();
        int from = Math.max(0, -left);
        int to = Math.min(g.kernel(), g.width() - left);
        if (h < 0 || h >= g.height()) {
            return null;
        }
        return new Run(
                (long) (kh * g.kernel() + from) * g.in(), (long) (h * g.width() + left + from) * g.in(), (to - from) * g.in());
    }

    private List<Product> toOutput(int firstImage, int images, int pixel) {
        List<Product> made = new ArrayList<>();
        long x = (long) firstImage * ofX;
        long y = (long) firstImage * ofY + (long) pixel * g.out();
        for (int kh = 0; kh < g.kernel(); kh++) {
            Run run = run(pixel, kh);
            if (run != null) {
                made.add(new Product(
                        "NT", images, g.out(), run.length, x + run.x, ofX, run.weights, g.taps(), y, ofY, !made.isEmpty()));
            }
        }
        return made;
    }

    private List<Product> toInput(int firstImage, int images, int pixel) {
        List<Product> made = new ArrayList<>();
        long dy = (long) firstImage * ofY;
        long dx = (long) firstImage * ofX + (long) pixel * g.in();
        for (int tap = 0; tap < g.kernel() * g.kernel(); tap++) {
            int h = pixel / g.width() + g.padding() - tap / g.kernel();
            int w = pixel % g.width() + g.padding() - tap % g.kernel();
            boolean met = h >= 0 && w >= 0 && h % g.stride() == 0 && w % g.stride() == 0;
            if (met && h / g.stride() < g.outHeight() && w / g.stride() < g.outWidth()) {
                long from = dy + (long) (h / g.stride() * g.outWidth() + w / g.stride()) * g.out();
                made.add(new Product(
                        "NN", images, g.in(), g.out(), from, ofY, (long) tap * g.in(), g.taps(), dx, ofX, !made.isEmpty()));
            }
        }
        return made;
    }

    private List<Product> toWeights(int kh, int firstFilter, int filters) {
        List<Product> made = new ArrayList<>();
        for (int pixel = 0; pixel < g.outHeight() * g.outWidth(); pixel++) {
            Run run = run(pixel, kh);
            if (run != null) {
                long dy = (long) pixel * g.out() + firstFilter;
                long result = (long) firstFilter * g.taps() + run.weights;
                made.add(new Product("TN", filters, run.length, g.n(), dy, ofY, run.x, ofX, result, g.taps(), true));
            }
        }
        return made;
    }

    /** Multiplies, see the direction's own words; weights are {@code [out, kernel, kernel, in]}. */
    void execute(MemorySegment left, MemorySegment right, MemorySegment result) {
        leftAddress = left.address();
        rightAddress = right.address();
        resultAddress = result.address();
        workers.run(products.size(), 1, task);
    }

    private void multiply(int worker, int from, int to) {
        for (int i = from; i < to; i++) {
            List<Product> list = products.get(i);
            for (int k = 0; k < list.size(); k++) {
                list.get(k).multiply();
            }
        }
    }
}
