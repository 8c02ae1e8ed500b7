package io.culvert.model;

import static io.culvert.ops.OpTestKit.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.safetensors.SafetensorsFile;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/** What {@code tools/vectors/fingerprint.py} leaves out of its files because a formula gives it, and what it samples. */
final class Fingerprint {
    private static final int STRIDE = 997;
    private static final int SHORT_STRIDE = 7;

    private Fingerprint() {}

    /** The formula of {@code fingerprint.py}: SplitMix64's finaliser, its high 24 bits scaled to [-1, 1). */
    static float[] hashed(String name, int count, float scale) {
        CRC32 crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            long z = (crc.getValue() << 32) + i + 0x9E3779B97F4A7C15L;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            z ^= z >>> 31;
            values[i] = ((z >>> 40) / (float) (1 << 23) - 1) * scale;
        }
        return values;
    }

    /** Pixels of {@code [N, 3, H, W]} in the order {@code [N, H, W, 3]}. */
    static float[] channelsLast(float[] planes, int images) {
        float[] pixels = new float[planes.length];
        int plane = planes.length / images / 3;
        for (int n = 0; n < images; n++) {
            for (int c = 0; c < 3; c++) {
                for (int i = 0; i < plane; i++) {
                    pixels[(n * plane + i) * 3 + c] = planes[(n * 3 + c) * plane + i];
                }
            }
        }
        return pixels;
    }

    /** Asserts the norm of a gradient and every {@value #STRIDE}th element, of a short one every {@value #SHORT_STRIDE}th. */
    static void compare(String name, float[] gradient, SafetensorsFile truth, double tolerance) {
        double squares = 0;
        for (float g : gradient) {
            squares += (double) g * g;
        }
        double norm = truth.tensor("norm/" + name).get(0);
        assertThat(Math.abs(Math.sqrt(squares) - norm)).as("norm of " + name).isLessThanOrEqualTo(tolerance * norm);
        double[] want = truth.tensor("sample/" + name).toDoubles();
        int stride = gradient.length > 8 * STRIDE ? STRIDE : SHORT_STRIDE;
        float[] got = new float[want.length];
        for (int i = 0; i < got.length; i++) {
            got[i] = gradient[i * stride];
        }
        assertClose("sample of " + name, got, want, tolerance);
    }
}
