package io.culvert.data.synth;

import java.util.Arrays;

/**
 * From linear light to the camera's bytes: motion and lens blur, vignetting, gamma, auto exposure and white balance,
 * interlacing, sensor noise, burnt-in text.
 */
final class Optics {
    private static final int LARGEST_RADIUS = 4;
    private static final int NOISE_TABLE = 1 << 14;
    private static final float[] GAUSSIAN = gaussians();

    private final int width;
    private final int height;
    private final float[] padded;
    private final float[] copy;
    private final byte[] rgb;

    Optics(int width, int height) {
        this.width = width;
        this.height = height;
        this.padded = new float[width + 2 * LARGEST_RADIUS];
        this.copy = new float[width * height];
        this.rgb = new byte[3 * width * height];
    }

    /** Develops three planes of linear light, which it overwrites. */
    byte[] develop(float[][] planes, Scene scene) {
        Scene.Sensor sensor = scene.sensor;
        Rng rng = Rng.of(sensor.seed(), 1);
        float[] lens = lensTaps(sensor.blur());
        for (float[] plane : planes) {
            gammaAndVignette(plane, sensor.vignette());
            blurRows(plane, lens);
            blurColumns(plane, lens);
            blurRows(plane, boxTaps(sensor.motionX()));
            blurColumns(plane, boxTaps(sensor.motionY()));
        }
        expose(planes, sensor);
        for (int channel = 0; channel < 3; channel++) {
            quantise(planes[channel], channel, sensor, rng);
        }
        Overlay.draw(rgb, width, height, scene.captions);
        return rgb.clone();
    }

    private void gammaAndVignette(float[] plane, float vignette) {
        float inverse = 4f / (width * width + height * height);
        for (int row = 0; row < height; row++) {
            float dy = row + 0.5f - height * 0.5f;
            for (int column = 0; column < width; column++) {
                float dx = column + 0.5f - width * 0.5f;
                float shade = 1 - vignette * (dx * dx + dy * dy) * inverse;
                int at = row * width + column;
                // Highlights roll off as a saturating sensor's do, so that no lamp spot rules the exposure.
                float light = Math.max(0, plane[at]) * shade;
                plane[at] = (float) Math.sqrt(light / (1 + 0.45f * light));
            }
        }
    }

    /** A Gaussian of the given deviation in pixels. */
    private static float[] lensTaps(float sigma) {
        if (sigma < 0.2f) {
            return boxTaps(1);
        }
        int radius = sigma < 0.8f ? 1 : sigma < 1.4f ? 2 : 3;
        float[] taps = new float[2 * radius + 1];
        float sum = 0;
        for (int i = 0; i < taps.length; i++) {
            taps[i] = (float) Math.exp(-(i - radius) * (i - radius) / (2 * sigma * sigma));
            sum += taps[i];
        }
        for (int i = 0; i < taps.length; i++) {
            taps[i] /= sum;
        }
        return taps;
    }

    private static float[] boxTaps(int length) {
        float[] taps = new float[Math.max(1, length)];
        Arrays.fill(taps, 1f / taps.length);
        return taps;
    }

    private void blurRows(float[] plane, float[] taps) {
        if (taps.length == 1) {
            return;
        }
        int radius = taps.length / 2;
        for (int row = 0; row < height; row++) {
            int base = row * width;
            System.arraycopy(plane, base, padded, radius, width);
            Arrays.fill(padded, 0, radius, padded[radius]);
            Arrays.fill(padded, radius + width, width + 2 * radius, padded[radius + width - 1]);
            Arrays.fill(plane, base, base + width, 0);
            for (int k = 0; k < taps.length; k++) {
                float tap = taps[k];
                for (int i = 0; i < width; i++) {
                    plane[base + i] += tap * padded[i + k];
                }
            }
        }
    }

    private void blurColumns(float[] plane, float[] taps) {
        if (taps.length == 1) {
            return;
        }
        int radius = taps.length / 2;
        System.arraycopy(plane, 0, copy, 0, plane.length);
        Arrays.fill(plane, 0);
        for (int row = 0; row < height; row++) {
            int base = row * width;
            for (int k = 0; k < taps.length; k++) {
                float tap = taps[k];
                int from = width * Math.max(0, Math.min(height - 1, row + k - radius));
                for (int i = 0; i < width; i++) {
                    plane[base + i] += tap * copy[from + i];
                }
            }
        }
    }

    /**
     * White balance brings each channel to its mean; then the brightness, not the colour, is stretched about its mean
     * to the deviation asked for, so that what is grey stays grey.
     */
    private static void expose(float[][] planes, Scene.Sensor sensor) {
        float[] balance = new float[3];
        for (int channel = 0; channel < 3; channel++) {
            double sum = 0;
            for (float value : planes[channel]) {
                sum += value;
            }
            balance[channel] = (float) (sensor.mean()[channel] / Math.max(1e-4, sum / planes[channel].length));
        }
        float[] red = planes[0];
        float[] green = planes[1];
        float[] blue = planes[2];
        float mean = (sensor.mean()[0] + sensor.mean()[1] + sensor.mean()[2]) / 3;
        double variance = 0;
        for (int i = 0; i < red.length; i++) {
            float off = brightness(red[i], green[i], blue[i], balance) - mean;
            variance += off * off;
        }
        float gain = (float) (sensor.deviation() / Math.sqrt(Math.max(1e-8, variance / red.length)));
        for (int i = 0; i < red.length; i++) {
            float from = brightness(red[i], green[i], blue[i], balance);
            float to = Math.max(0, mean + gain * (from - mean)) / Math.max(0.02f, from);
            float grey = (1 - sensor.colour()) * from;
            red[i] = to * (sensor.colour() * balance[0] * red[i] + grey);
            green[i] = to * (sensor.colour() * balance[1] * green[i] + grey);
            blue[i] = to * (sensor.colour() * balance[2] * blue[i] + grey);
        }
    }

    private static float brightness(float red, float green, float blue, float[] balance) {
        return (red * balance[0] + green * balance[1] + blue * balance[2]) / 3;
    }

    private void quantise(float[] plane, int channel, Scene.Sensor sensor, Rng rng) {
        for (int row = 0; row < height; row++) {
            int shift = (row & 1) == 0 ? 0 : sensor.interlace();
            int table = rng.below(NOISE_TABLE);
            for (int column = 0; column < width; column++) {
                int from = Math.max(0, Math.min(width - 1, column + shift));
                float grain = GAUSSIAN[(table + column) & (NOISE_TABLE - 1)] * sensor.noise();
                float value = 255 * (plane[row * width + from] + grain) + 0.5f;
                rgb[3 * (row * width + column) + channel] = (byte) Math.max(0, Math.min(255, (int) value));
            }
        }
    }

    private static float[] gaussians() {
        Rng rng = Rng.of(0x6A55);
        float[] values = new float[NOISE_TABLE];
        for (int i = 0; i < NOISE_TABLE; i++) {
            values[i] = rng.gaussian();
        }
        return values;
    }
}
