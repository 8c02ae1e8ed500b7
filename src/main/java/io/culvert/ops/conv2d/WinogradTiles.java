package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
import java.lang.foreign.MemorySegment;

/**
 * The tiles of 2 x 2 pixels that cover the maps of a batch, image by image and row by row; where an extent is odd the last of a row or column hang
 * over the edge. Where a tile is surrounded, it is by a pixel on each side.
 */
final class WinogradTiles {
    /** Pixels of a tile, across and down. */
    static final int SIDE = 2;

    /** Of a tile and its neighbours. */
    static final int REACH = 4;

    final int count;
    private final int height;
    private final int width;
    private final int down;
    private final int across;

    WinogradTiles(ConvGeometry g) {
        height = g.height();
        width = g.width();
        down = Math.ceilDiv(height, SIDE);
        across = Math.ceilDiv(width, SIDE);
        count = g.n() * down * across;
    }

    int top(int tile) {
        return tile / across % down * SIDE;
    }

    int left(int tile) {
        return tile % across * SIDE;
    }

    /** Bytes from a pixel to the one below. */
    long row(int channels) {
        return (long) width * channels * Float.BYTES;
    }

    /** The byte of the first channel of a pixel of the tile's image. */
    long pixel(int tile, int row, int column, int channels) {
        long image = tile / (down * across);
        return ((image * height + row) * width + column) * channels * Float.BYTES;
    }

    /** Whether so many pixels across and down from this one on are there. */
    boolean holds(int top, int left, int side) {
        return top >= 0 && left >= 0 && top + side <= height && left + side <= width;
    }

    /** How many of a tile's pixels across are there. */
    int across(int left) {
        return Math.min(SIDE, width - left);
    }

    /** How many of a tile's pixels down are there. */
    int down(int top) {
        return Math.min(SIDE, height - top);
    }

    /**
     * {@link WinogradTile#input} of a tile and its neighbours, zeros where there are none.
     *
     * @param patch room for as many pixels, where they are copied if some are missing
     */
    void input(MemorySegment map, int tile, int channels, MemorySegment patch, MemorySegment v, long to, long matrix) {
        int top = top(tile) - 1;
        int left = left(tile) - 1;
        long pixel = (long) channels * Float.BYTES;
        if (holds(top, left, REACH)) {
            WinogradTile.input(map, pixel(tile, top, left, channels), row(channels), pixel, v, to, matrix, channels);
        } else {
            copy(map, tile, top, left, REACH, channels, patch);
            WinogradTile.input(patch, 0, REACH * pixel, pixel, v, to, matrix, channels);
        }
    }

    /** Copies as many pixels across and down from this one on, those of the tile's image, and zeros where there are none. */
    void copy(MemorySegment map, int tile, int top, int left, int side, int channels, MemorySegment square) {
        long pixel = (long) channels * Float.BYTES;
        int begin = Math.max(0, left);
        long bytes = (Math.min(width, left + side) - begin) * pixel;
        WinogradTile.clear(square, side * side * channels);
        for (int row = Math.max(0, top); row < Math.min(height, top + side); row++) {
            long to = ((row - top) * side + begin - left) * pixel;
            MemorySegment.copy(map, pixel(tile, row, begin, channels), square, to, bytes);
        }
    }
}
