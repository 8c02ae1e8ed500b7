package io.culvert.data;

import io.culvert.device.cpu.RgbImage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Two hashes of a decoded picture: one of its pixels, and one of how it looks, which few bits of change when the picture
 * is stored anew, resized or made brighter.
 *
 * <p>The latter: luminance averaged over a grid of 32 by 32 cells, its cosine transform, and of the 64 coefficients whose
 * frequencies are 1 to 8 in both directions the signs. (The mean, and what varies along one direction only, play no part:
 * light and camera decide those.) One per thread.
 */
final class PictureHash {
    private static final int GRID = 32;
    private static final int BANDS = 8;
    private static final float[][] COSINES = cosines();

    private final double[] cells = new double[GRID * GRID];
    private final double[] half = new double[BANDS * GRID];
    private final double[] weight = new double[GRID];
    private final int[] start = new int[GRID];
    private final int[] end = new int[GRID];
    private byte[] row = new byte[0];
    private long[] prefix = new long[0];

    /** A hash of size and pixels: equal for equal pictures however they are stored, by chance once in 2^64. */
    static long pixels(RgbImage image) {
        MemorySegment bytes = image.pixels();
        long hash = mix(image.width() * 0x9E3779B97F4A7C15L + image.height());
        long words = bytes.byteSize() / Long.BYTES;
        for (long i = 0; i < words; i++) {
            hash = (hash ^ bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i * Long.BYTES)) * 0x9FB21C651E98DF25L;
            hash ^= hash >>> 35;
        }
        for (long i = words * Long.BYTES; i < bytes.byteSize(); i++) {
            hash = mix(hash ^ bytes.get(ValueLayout.JAVA_BYTE, i));
        }
        return mix(hash);
    }

    /** SplitMix64's finaliser. */
    private static long mix(long x) {
        long z = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** A hash of how the picture looks: the fewer bits differ, the more alike. */
    long looks(RgbImage image) {
        average(image);
        long signs = 0;
        for (int v = 0; v < BANDS; v++) {
            for (int x = 0; x < GRID; x++) {
                double sum = 0;
                for (int y = 0; y < GRID; y++) {
                    sum += COSINES[v][y] * cells[y * GRID + x];
                }
                half[v * GRID + x] = sum;
            }
            for (int u = 0; u < BANDS; u++) {
                double sum = 0;
                for (int x = 0; x < GRID; x++) {
                    sum += COSINES[u][x] * half[v * GRID + x];
                }
                signs = signs << 1 | (sum > 0 ? 1 : 0);
            }
        }
        return signs;
    }

    /** Each cell is the mean of the pixels that it touches, of a picture of any size. */
    private void average(RgbImage image) {
        int width = image.width();
        int height = image.height();
        if (row.length < 3 * width) {
            row = new byte[3 * width];
            prefix = new long[width + 1];
        }
        Arrays.fill(cells, 0);
        Arrays.fill(weight, 0);
        for (int cell = 0; cell < GRID; cell++) {
            start[cell] = (int) ((long) cell * width / GRID);
            end[cell] = (int) Math.ceilDiv((cell + 1L) * width, GRID);
        }
        for (int y = 0; y < height; y++) {
            MemorySegment.copy(image.pixels(), ValueLayout.JAVA_BYTE, 3L * width * y, row, 0, 3 * width);
            for (int x = 0; x < width; x++) {
                // Rec. 601, in 1/256.
                int luminance = 77 * (row[3 * x] & 255) + 150 * (row[3 * x + 1] & 255) + 29 * (row[3 * x + 2] & 255);
                prefix[x + 1] = prefix[x] + luminance;
            }
            int bottom = (int) Math.ceilDiv((y + 1L) * GRID, height);
            for (int cell = (int) ((long) y * GRID / height); cell < bottom; cell++) {
                weight[cell]++;
                for (int x = 0; x < GRID; x++) {
                    cells[cell * GRID + x] += prefix[end[x]] - prefix[start[x]];
                }
            }
        }
        for (int i = 0; i < cells.length; i++) {
            cells[i] /= weight[i / GRID] * (end[i % GRID] - start[i % GRID]);
        }
    }

    private static float[][] cosines() {
        float[][] cosines = new float[BANDS][GRID];
        for (int k = 0; k < BANDS; k++) {
            for (int x = 0; x < GRID; x++) {
                cosines[k][x] = (float) Math.cos(Math.PI * (2 * x + 1) * (k + 1) / (2 * GRID));
            }
        }
        return cosines;
    }
}
