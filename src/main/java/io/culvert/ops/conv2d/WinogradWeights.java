package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.PackedProducts;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;

/**
 * The gradient of a convolution's weights by the adjoint of {@link Winograd}'s filtering: {@code dg = G^T [sum (B^T d B) * (A e A^T)] G} over
 * the tiles, d one of the input and e one of the output's gradient. Summed over the tiles the 16 products of a channel with a filter are 16
 * matrix products, of a slice of tiles at a time that stays in the last-level cache.
 */
final class WinogradWeights {
    /** Bytes of a slice's values of both sides. */
    private static final long SLICE_BYTES = 16 << 20;

    /** Elements of a cache line. */
    private static final int LINE = 64 / Float.BYTES;

    /** Where the sums lie: the transformed weights of other convolutions. */
    private static final int SUMS = 2;

    /** Tiles that a worker transforms at least. */
    private static final int GRAIN = 16;

    private final OneDnn dnn;
    private final Workers workers;
    private final WinogradTiles tiles;
    private final int in;
    private final int out;
    private final int slice;
    private final int parts;
    private final MemorySegment values;
    private final long gradients;
    private final Workers.Range transformTask = this::transform;
    private final Workers.Range productTask = this::multiply;
    private final Workers.Range filterTask = this::gather;
    private MemorySegment x;
    private MemorySegment dy;
    private MemorySegment gradient;
    private int first;
    private int rows;

    private WinogradWeights(CpuDevice cpu, ConvGeometry g) {
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        tiles = new WinogradTiles(g);
        in = g.in();
        out = g.out();
        slice = (int) Math.min(tiles.count, SLICE_BYTES / ((long) Winograd.VALUES * (in + out) * Float.BYTES) - 1);
        parts = Math.clamp(workers.threads() / (Winograd.VALUES / 2), 1, out / LINE);
        values = cpu.scratch(SLICE_BYTES);
        gradients = Winograd.VALUES * apart(in);
        dnn.packing(SUMS).reserve(Winograd.VALUES * matrix());
        for (int worker = 0; worker < workers.threads(); worker++) {
            long patch = (long) WinogradTiles.REACH * WinogradTiles.REACH * Math.max(in, out) * Float.BYTES;
            dnn.workspace(worker).reserve(patch);
        }
    }

    /** Null where this would not pay. */
    static WinogradWeights of(CpuDevice cpu, ConvGeometry geometry) {
        return Winograd.pays(geometry) ? new WinogradWeights(cpu, geometry) : null;
    }

    /** {@code gradient += }, {@code [out, 3, 3, in]}. */
    void add(MemorySegment x, MemorySegment dy, MemorySegment gradient) {
        this.x = x;
        this.dy = dy;
        this.gradient = gradient;
        for (first = 0; first < tiles.count; first += slice) {
            rows = Math.min(slice, tiles.count - first);
            workers.run(rows, GRAIN, transformTask);
            workers.run(Winograd.VALUES * parts, 1, productTask);
        }
        workers.run(out, 1, filterTask);
    }

    /** Bytes from a value of a slice's channels to the next. */
    private long apart(int channels) {
        return PackedProducts.apart(slice, channels) * Float.BYTES;
    }

    /** Bytes of the sums of one value. */
    private long matrix() {
        return (long) out * in * Float.BYTES;
    }

    private void transform(int worker, int from, int to) {
        MemorySegment patch = dnn.workspace(worker).memory();
        long input = (long) in * Float.BYTES;
        long output = (long) out * Float.BYTES;
        for (int i = from; i < to; i++) {
            int tile = first + i;
            int top = tiles.top(tile);
            int left = tiles.left(tile);
            tiles.input(x, tile, in, patch, values, i * input, apart(in));
            long at = gradients + i * output;
            if (tiles.holds(top, left, WinogradTiles.SIDE)) {
                long pixel = tiles.pixel(tile, top, left, out);
                WinogradTile.outputGradient(dy, pixel, tiles.row(out), output, values, at, apart(out), out);
            } else {
                tiles.copy(dy, tile, top, left, WinogradTiles.SIDE, out, patch);
                WinogradTile.outputGradient(patch, 0, WinogradTiles.SIDE * output, output, values, at, apart(out), out);
            }
        }
    }

    /** {@code sums[out, in] += e^T d}, a part of the rows of one of the 16. */
    private void multiply(int worker, int from, int to) {
        for (int piece = from; piece < to; piece++) {
            int value = piece / parts;
            int begin = edge(piece % parts);
            int filters = edge(piece % parts + 1) - begin;
            long e = values.address() + gradients + value * apart(out) + (long) begin * Float.BYTES;
            long d = values.address() + value * apart(in);
            long sums = dnn.packing(SUMS).memory().address() + value * matrix() + (long) begin * in * Float.BYTES;
            dnn.sgemmAlone('T', 'N', filters, in, rows, e, out, d, in, first == 0 ? 0 : 1, sums, in);
        }
    }

    private int edge(int part) {
        return (int) ((long) out * part / parts);
    }

    private void gather(int worker, int from, int to) {
        MemorySegment sums = dnn.packing(SUMS).memory();
        long tap = (long) in * Float.BYTES;
        for (int filter = from; filter < to; filter++) {
            WinogradTile.filterGradient(sums, filter * tap, matrix(), gradient, 9 * filter * tap, tap, in);
        }
    }
}
