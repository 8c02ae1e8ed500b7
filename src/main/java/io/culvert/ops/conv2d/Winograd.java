package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.PackedProducts;
import io.culvert.device.cpu.SharedMemory;
import io.culvert.device.cpu.SharedParts;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;

/**
 * A convolution of 3 x 3 taps, or the gradient of its input, which is one of the output's gradient with the taps turned round, by Winograd's minimal
 * filtering F(2x2, 3x3) (Lavin and Gray 2016): a tile of 2 x 2 results takes 16 products a channel for 36. Summed over the
 * channels those are 16 matrix products of tiles by filters. A block of tiles goes through its transformation, the products and the one back
 * while it is in the cache of the worker that has it.
 */
final class Winograd {
    /** Values of a channel of a tile. */
    static final int VALUES = 16;

    /** Channels that make a product of a tile worth its two transformations. */
    private static final int CHANNELS = 64;

    /** Tiles that make the products worth the transformation of the weights. */
    private static final int TILES = 128;

    /** Of results that are computed, those that hang over the edge at most: of maps of 7 x 7 there are 64 for 49. */
    private static final double HANGING = 1.4;

    /** Bytes of a block's values on both sides of the products, for which the second-level cache has room beside the weights. */
    private static final long BLOCK_BYTES = 1 << 20;

    private static final int LEAST_BLOCK = 32;
    private static final int MOST_BLOCK = 128;
    /** Where the transformed weights lie, and where they are packed: those of one convolution at a time. */
    private static final int TRANSFORMED = 2;

    private static final int PACKED = 3;

    private final OneDnn dnn;
    private final Workers workers;
    private final WinogradTiles tiles;
    private final int block;
    private final int from;
    private final int to;
    private final boolean turned;
    private final int taps;
    private final int filters;
    private final int depth;
    private final PackedProducts products;
    private final Scratch[] scratch;
    private final Workers.Range filterTask = this::transform;
    private final Workers.Range tileTask = this::convolve;
    private MemorySegment source;
    private MemorySegment weights;
    private MemorySegment result;

    /** One worker's memory. */
    private final class Scratch {
        private final SharedParts memory;

        Scratch(SharedMemory shared) {
            long tile = (long) VALUES * Math.max(from, to) * Float.BYTES;
            memory = new SharedParts(shared, VALUES * apart(from), VALUES * apart(to), tile, products.scratchBytes());
        }

        /** A block's values before the products. */
        MemorySegment values() {
            return memory.get(0);
        }

        /** A block's values after the products. */
        MemorySegment sums() {
            return memory.get(1);
        }

        /** A tile of what goes in with its neighbours, or of results. */
        MemorySegment tile() {
            return memory.get(2);
        }

        /** An address. */
        long ofProducts() {
            return memory.get(3).address();
        }
    }

    /** Taps turned round: the gradient of the input, from the output's. */
    private Winograd(CpuDevice cpu, ConvGeometry g, boolean turned) {
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        this.turned = turned;
        tiles = new WinogradTiles(g);
        filters = g.out();
        depth = g.in();
        taps = g.taps();
        from = turned ? g.out() : g.in();
        to = turned ? g.in() : g.out();
        block = Math.min(tiles.count, Math.clamp(BLOCK_BYTES / ((long) VALUES * (from + to) * Float.BYTES), LEAST_BLOCK, MOST_BLOCK));
        dnn.packing(TRANSFORMED).reserve((long) VALUES * from * to * Float.BYTES);
        products = new PackedProducts(dnn, PACKED, VALUES, workers.threads(), tiles.count, block, from, to, !turned);
        scratch = new Scratch[workers.threads()];
        for (int worker = 0; worker < scratch.length; worker++) {
            scratch[worker] = new Scratch(dnn.workspace(worker));
        }
    }

    /** {@code y = conv(x, weights)}: {@link #execute} with x, weights and y. Null where this would not pay. */
    static Winograd forward(CpuDevice cpu, ConvGeometry geometry) {
        return pays(geometry) ? new Winograd(cpu, geometry, false) : null;
    }

    /** {@code dx}: {@link #execute} with dy, weights and dx. Null where this would not pay. */
    static Winograd backwardData(CpuDevice cpu, ConvGeometry geometry) {
        return pays(geometry) ? new Winograd(cpu, geometry, true) : null;
    }

    /** Whether a convolution, or the gradient of its input, is faster so. */
    static boolean pays(ConvGeometry g) {
        int down = Math.ceilDiv(g.height(), WinogradTiles.SIDE);
        int across = Math.ceilDiv(g.width(), WinogradTiles.SIDE);
        return g.kernel() == 3
                && g.stride() == 1
                && g.padding() == 1
                && wide(g.in())
                && wide(g.out())
                && g.n() * down * across >= TILES
                && down * across > 1
                && 4.0 * down * across <= HANGING * g.height() * g.width();
    }

    private static boolean wide(int channels) {
        return channels >= CHANNELS && channels % Simd.LANES == 0;
    }

    /** Convolves; weights are {@code [out, 3, 3, in]}. */
    void execute(MemorySegment source, MemorySegment weights, MemorySegment result) {
        this.source = source;
        this.weights = weights;
        this.result = result;
        workers.run(filters, 1, filterTask);
        products.pack(dnn.packing(TRANSFORMED).memory());
        workers.run(tiles.count, block, tileTask);
    }

    private void transform(int worker, int first, int end) {
        MemorySegment transformed = dnn.packing(TRANSFORMED).memory();
        long matrix = (long) filters * depth * Float.BYTES;
        long tap = (long) depth * Float.BYTES;
        for (int filter = first; filter < end; filter++) {
            long at = (long) filter * taps * Float.BYTES;
            WinogradTile.filter(
                    weights, turned ? at + 8 * tap : at, turned ? -tap : tap, transformed, filter * tap, matrix, depth);
        }
    }

    private void convolve(int worker, int first, int end) {
        for (int tile = first; tile < end; tile += block) {
            convolve(worker, scratch[worker], tile, Math.min(block, end - tile));
        }
    }

    /** Of a block of tiles. */
    private void convolve(int worker, Scratch own, int first, int count) {
        for (int i = 0; i < count; i++) {
            long at = (long) i * from * Float.BYTES;
            tiles.input(source, first + i, from, own.tile(), own.values(), at, apart(from));
        }
        products.multiply(worker, own.values().address(), own.sums().address(), own.ofProducts(), count);
        for (int i = 0; i < count; i++) {
            write(own, first + i, i);
        }
    }

    /** Bytes from a value of a block's channels to the next. */
    private long apart(int channels) {
        return PackedProducts.apart(block, channels) * Float.BYTES;
    }

    private void write(Scratch own, int tile, int i) {
        int top = tiles.top(tile);
        int left = tiles.left(tile);
        long channels = (long) to * Float.BYTES;
        long at = tiles.pixel(tile, top, left, to);
        if (tiles.holds(top, left, WinogradTiles.SIDE)) {
            WinogradTile.output(own.sums(), i * channels, apart(to), result, at, tiles.row(to), channels, to);
            return;
        }
        long row = WinogradTiles.SIDE * channels;
        WinogradTile.output(own.sums(), i * channels, apart(to), own.tile(), 0, row, channels, to);
        for (int down = 0; down < tiles.down(top); down++) {
            MemorySegment.copy(own.tile(), down * row, result, at + down * tiles.row(to), tiles.across(left) * channels);
        }
    }
}
