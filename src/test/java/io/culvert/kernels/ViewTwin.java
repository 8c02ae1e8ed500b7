package io.culvert.kernels;

import java.util.SplittableRandom;

/**
 * One view of one image as torchvision v2 defines its transforms, in plain loops and double precision, in the steps in
 * which the kernels make it. Planes are {@code [3][height][width]}.
 */
final class ViewTwin {
    static final int BRIGHTNESS = 0;
    static final int CONTRAST = 1;
    static final int SATURATION = 2;
    static final int HUE = 3;
    static final int RECORD_INTS = 28;

    /** The image, bytes {@code [height, width, 3]} in a larger array of all images. */
    long offset;

    int imageHeight;
    int imageWidth;
    int top;
    int left;
    int cropHeight;
    int cropWidth;
    boolean bicubic;
    boolean antialias = true;
    boolean clamp = true;
    int[] steps = {};
    float[] amounts = {};
    boolean grey;
    int blurWidth;
    int blurHeight;
    float sigmaX = 1;
    float sigmaY = 1;
    boolean solarize;
    float threshold;
    boolean flip;

    static double[] pixels(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] pixels = new double[count];
        for (int i = 0; i < count; i++) {
            pixels[i] = random.nextInt(256);
        }
        return pixels;
    }

    /** The record of 112 bytes that the kernels read, as 28 words. */
    double[] record() {
        double[] words = new double[RECORD_INTS];
        int[] head = {
            (int) offset, (int) (offset >>> 32), imageHeight, imageWidth, top, left, cropHeight, cropWidth,
            bicubic ? 1 : 0, antialias ? 1 : 0, clamp ? 1 : 0
        };
        int at = 0;
        for (int word : head) {
            words[at++] = word;
        }
        for (int i = 0; i < 4; i++) {
            words[at++] = i < steps.length ? steps[i] : -1;
        }
        for (int i = 0; i < 4; i++) {
            words[at++] = Float.floatToRawIntBits(i < steps.length ? amounts[i] : 0);
        }
        words[at++] = grey ? 1 : 0;
        words[at++] = blurWidth;
        words[at++] = blurHeight;
        words[at++] = Float.floatToRawIntBits(sigmaX);
        words[at++] = Float.floatToRawIntBits(sigmaY);
        words[at++] = solarize ? 1 : 0;
        words[at++] = Float.floatToRawIntBits(threshold);
        words[at] = flip ? 1 : 0;
        return words;
    }

    private static double filter(double distance, boolean bicubic, double a) {
        double x = Math.abs(distance);
        if (!bicubic) {
            return Math.max(0, 1 - x);
        }
        if (x < 1) {
            return (a + 2) * x * x * x - (a + 3) * x * x + 1;
        }
        return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0;
    }

    /** The weight of each input for output i; outside ones count for the border. */
    private double[] weights(int i, int input, int output) {
        double scale = (double) input / output;
        double stretch = antialias ? Math.max(1, scale) : 1;
        double support = (bicubic ? 2 : 1) * stretch;
        double center = scale * (i + 0.5);
        double[] weights = new double[input];
        int from = (int) (center - support + 0.5);
        int to = (int) (center + support + 0.5);
        from = antialias ? Math.max(0, from) : (int) Math.floor(center - 0.5) - (bicubic ? 1 : 0);
        to = antialias ? Math.min(input, to) : from + (bicubic ? 4 : 2);
        double sum = 0;
        for (int k = from; k < to; k++) {
            double w = filter((k - center + 0.5) / stretch, bicubic, antialias ? -0.5 : -0.75);
            weights[Math.min(input - 1, Math.max(0, k))] += w;
            sum += w;
        }
        for (int k = 0; k < input; k++) {
            weights[k] /= sum;
        }
        return weights;
    }

    /** Crop, resize and the clamp. */
    double[][][] resized(double[] images, int height, int width) {
        double[][][] out = new double[3][height][width];
        double[][] columns = new double[width][];
        for (int x = 0; x < width; x++) {
            columns[x] = weights(x, cropWidth, width);
        }
        for (int y = 0; y < height; y++) {
            double[] rows = weights(y, cropHeight, height);
            for (int c = 0; c < 3; c++) {
                double[] row = new double[cropWidth];
                for (int s = 0; s < cropWidth; s++) {
                    for (int r = 0; r < cropHeight; r++) {
                        int at = (int) offset + 3 * ((top + r) * imageWidth + left + s) + c;
                        row[s] += rows[r] * images[at] / 255;
                    }
                }
                for (int x = 0; x < width; x++) {
                    double sum = 0;
                    for (int s = 0; s < cropWidth; s++) {
                        sum += columns[x][s] * row[s];
                    }
                    out[c][y][x] = clamp ? unit(sum) : sum;
                }
            }
        }
        return out;
    }

    private static double unit(double x) {
        return Math.max(0, Math.min(1, x));
    }

    static double greyOf(double r, double g, double b) {
        return 0.2989 * r + 0.587 * g + 0.114 * b;
    }

    /** Where among the steps the contrast is, 4 for nowhere. */
    int contrast() {
        for (int i = 0; i < steps.length; i++) {
            if (steps[i] == CONTRAST) {
                return i;
            }
        }
        return 4;
    }

    /** Applies the steps from .. to - 1 in place; the contrast takes the mean of what it finds. */
    void adjust(double[][][] p, int from, int to) {
        for (int i = from; i < Math.min(to, steps.length); i++) {
            double mean = 0;
            double count = (double) p[0].length * p[0][0].length;
            for (int y = 0; y < p[0].length; y++) {
                for (int x = 0; x < p[0][0].length; x++) {
                    mean += greyOf(p[0][y][x], p[1][y][x], p[2][y][x]) / count;
                }
            }
            for (int y = 0; y < p[0].length; y++) {
                for (int x = 0; x < p[0][0].length; x++) {
                    pixel(p, y, x, steps[i], amounts[i], mean);
                }
            }
        }
    }

    private static void pixel(double[][][] p, int y, int x, int step, double amount, double mean) {
        double[] rgb = {p[0][y][x], p[1][y][x], p[2][y][x]};
        double grey = greyOf(rgb[0], rgb[1], rgb[2]);
        if (step == HUE) {
            rgb = hue(rgb, amount);
        }
        for (int c = 0; c < 3; c++) {
            p[c][y][x] = switch (step) {
                case BRIGHTNESS -> unit(amount * rgb[c]);
                case CONTRAST -> unit(amount * rgb[c] + (1 - amount) * mean);
                case SATURATION -> unit(amount * rgb[c] + (1 - amount) * grey);
                default -> rgb[c];
            };
        }
    }

    /** To hue, saturation and value, a shift of the hue by that part of a turn, and back by the table of sextants. */
    private static double[] hue(double[] rgb, double turns) {
        double value = Math.max(rgb[0], Math.max(rgb[1], rgb[2]));
        double range = value - Math.min(rgb[0], Math.min(rgb[1], rgb[2]));
        if (range == 0) {
            return rgb;
        }
        double h = value == rgb[0]
                ? (rgb[1] - rgb[2]) / range
                : value == rgb[1] ? 2 + (rgb[2] - rgb[0]) / range : 4 + (rgb[0] - rgb[1]) / range;
        h = h / 6 + turns;
        h = 6 * (h - Math.floor(h));
        int sextant = (int) h % 6;
        double f = h - (int) h;
        double low = value - range;
        double falling = value - range * f;
        double rising = value - range * (1 - f);
        return switch (sextant) {
            case 0 -> new double[] {value, rising, low};
            case 1 -> new double[] {falling, value, low};
            case 2 -> new double[] {low, value, rising};
            case 3 -> new double[] {low, falling, value};
            case 4 -> new double[] {rising, low, value};
            default -> new double[] {value, low, falling};
        };
    }

    void toGrey(double[][][] p) {
        for (int y = 0; grey && y < p[0].length; y++) {
            for (int x = 0; x < p[0][0].length; x++) {
                double g = greyOf(p[0][y][x], p[1][y][x], p[2][y][x]);
                p[0][y][x] = g;
                p[1][y][x] = g;
                p[2][y][x] = g;
            }
        }
    }

    private static int reflect(int i, int length) {
        int inside = Math.abs(i);
        return inside < length ? inside : 2 * (length - 1) - inside;
    }

    /** The Gaussian along rows, or along columns. */
    double[][][] blurred(double[][][] p, boolean alongRows) {
        int height = p[0].length;
        int width = p[0][0].length;
        int half = (alongRows ? blurWidth : blurHeight) / 2;
        double sigma = alongRows ? sigmaX : sigmaY;
        double sum = 0;
        for (int k = -half; k <= half; k++) {
            sum += Math.exp(-0.5 * k * k / (sigma * sigma));
        }
        double[][][] out = new double[3][height][width];
        for (int c = 0; c < 3; c++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    for (int k = -half; k <= half; k++) {
                        double from = alongRows ? p[c][y][reflect(x + k, width)] : p[c][reflect(y + k, height)][x];
                        out[c][y][x] += Math.exp(-0.5 * k * k / (sigma * sigma)) / sum * from;
                    }
                }
            }
        }
        return out;
    }

    /** Solarise, normalise, flip, and the layout. */
    double[] finished(double[][][] p, double[] normalization, boolean planar) {
        int height = p[0].length;
        int width = p[0][0].length;
        double[] out = new double[3 * height * width];
        for (int c = 0; c < 3; c++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    double v = p[c][y][x];
                    v = solarize && v >= threshold ? 1 - v : v;
                    v = (v - normalization[c]) / normalization[3 + c];
                    int toX = flip ? width - 1 - x : x;
                    out[planar ? (c * height + y) * width + toX : (y * width + toX) * 3 + c] = v;
                }
            }
        }
        return out;
    }

    static double[] flat(double[][][] p) {
        int height = p[0].length;
        int width = p[0][0].length;
        double[] flat = new double[3 * height * width];
        for (int i = 0; i < flat.length; i++) {
            flat[i] = p[i / (height * width)][i / width % height][i % width];
        }
        return flat;
    }

    static double[][][] planes(double[] flat, int height, int width) {
        double[][][] p = new double[3][height][width];
        for (int i = 0; i < flat.length; i++) {
            p[i / (height * width)][i / width % height][i % width] = flat[i];
        }
        return p;
    }
}
