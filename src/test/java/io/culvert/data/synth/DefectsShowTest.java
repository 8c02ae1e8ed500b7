package io.culvert.data.synth;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.data.DefectCode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every code changes the picture where its mask says, and there above all. */
class DefectsShowTest {
    private static final int SCENES = 12;

    @ParameterizedTest
    @EnumSource(DefectCode.class)
    void theMaskCoversWhatChanged(DefectCode code) {
        SceneFactory factory = new SceneFactory(5, 1, 1, 1);
        Renderer renderer = new Renderer(176, 144);
        double inside = 0;
        double outside = 0;
        int seen = 0;
        for (int i = 0; i < SCENES; i++) {
            Frame without = renderer.render(factory.sound(0, i));
            Frame with = renderer.render(factory.with(0, i, code));
            Difference difference = Difference.of(with, without, Codes.label(code));
            if (difference.pixels >= 40) {
                seen++;
                inside += difference.inside;
                outside += difference.outside;
            }
        }
        assertThat(seen).as("scenes where %s is in view", code).isGreaterThanOrEqualTo(SCENES - 2);
        assertThat(inside / seen).as("mean change inside the mask, grey levels").isGreaterThan(15);
        assertThat(inside).isGreaterThan(2 * outside);
    }

    private record Difference(int pixels, double inside, double outside) {
        static Difference of(Frame a, Frame b, int label) {
            double inside = 0;
            double outside = 0;
            int pixels = 0;
            for (int i = 0; i < a.mask().length; i++) {
                double change = 0;
                for (int c = 0; c < 3; c++) {
                    change += Math.abs((a.rgb()[3 * i + c] & 0xff) - (b.rgb()[3 * i + c] & 0xff)) / 3.0;
                }
                if (a.mask()[i] == label) {
                    inside += change;
                    pixels++;
                } else {
                    outside += change;
                }
            }
            int rest = a.mask().length - pixels;
            return new Difference(pixels, inside / Math.max(1, pixels), outside / Math.max(1, rest));
        }
    }
}
