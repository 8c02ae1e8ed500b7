package io.culvert.data.augment;

import io.culvert.CulvertException;
import io.culvert.data.augment.AugmentConfig.Blur;
import io.culvert.data.augment.AugmentConfig.Crop;
import io.culvert.data.augment.AugmentConfig.Jitter;
import io.culvert.data.augment.AugmentConfig.Solarize;
import java.util.List;

/** The recipes of the literature, by name, all with Sewer-ML's normalisation. */
public final class AugmentPresets {
    /** The names that {@link #views} knows. */
    public static final List<String> NAMES = List.of("study", "simclr", "barlow", "byol", "mae", "dino");

    private static final double BLUR_SIGMA_MIN = 0.1;
    private static final double BLUR_SIGMA_MAX = 2.0;

    /** Where the areas of large views begin and those of small ones end. */
    private static final double DINO_GLOBAL_SCALE = 0.4;

    private static final double LOCAL_SCALE_MIN = 0.05;

    private AugmentPresets() {}

    /**
     * The recipes of the views of one image.
     *
     * @param name {@code study} (the imbalance study, arXiv 2410.04289: the same for every method and for supervised
     *     training), {@code simclr} (lightly's), {@code barlow} or {@code byol} (the two unlike views of both papers),
     *     {@code mae} or {@code dino} (the two large views of its paper)
     * @param count views an image, 1 or 2
     * @throws CulvertException of kind USAGE for another name or count
     */
    public static List<AugmentConfig> views(String name, int count) {
        if (count < 1 || count > 2) {
            throw CulvertException.usage("a recipe has 1 or 2 views, got %d", count);
        }
        List<AugmentConfig> both = switch (name) {
            case "study" -> List.of(study(), study());
            case "simclr" -> List.of(simClr(), simClr());
            case "barlow", "byol" -> List.of(barlow(1.0, 0.0), barlow(0.1, 0.2));
            case "mae" -> List.of(mae(), mae());
            case "dino" -> List.of(
                    dino(DINO_GLOBAL_SCALE, 1, 1.0, 0.0), dino(DINO_GLOBAL_SCALE, 1, 0.1, 0.2));
            default -> throw CulvertException.usage("unknown augmentation '%s'; known: %s", name,
                    String.join(", ", NAMES));
        };
        return both.subList(0, count);
    }

    /**
     * The recipe of the small views of DINO's multi-crop (Caron et al. 2020, 2021): crops of 5 to 40 % of the image. For
     * {@code dino} with the blur of its paper, for any other name as its first view in all else.
     */
    public static AugmentConfig local(String name) {
        if (name.equals("dino")) {
            return dino(LOCAL_SCALE_MIN, DINO_GLOBAL_SCALE, 0.5, 0.0);
        }
        AugmentConfig view = views(name, 1).getFirst();
        Crop crop = Crop.of(LOCAL_SCALE_MIN, DINO_GLOBAL_SCALE, view.crop().interpolation());
        return new AugmentConfig(
                crop, view.flip(), view.jitter(), view.grey(), view.blur(), view.solarize(), view.normalization());
    }

    private static AugmentConfig dino(double scaleMin, double scaleMax, double blur, double solarize) {
        return new AugmentConfig(
                Crop.of(scaleMin, scaleMax, Interpolation.BICUBIC), 0.5, new Jitter(0.8, 0.4, 0.4, 0.2, 0.1), 0.2,
                blur(blur), new Solarize(solarize, 0.5), Normalization.SEWER_ML);
    }

    private static AugmentConfig study() {
        return new AugmentConfig(Crop.of(0.395, 1, Interpolation.BICUBIC), 0.5,
                new Jitter(1, 0.275, 0.275, 0.275, 0.1375), 0, Blur.NONE, Solarize.NONE, Normalization.SEWER_ML);
    }

    private static AugmentConfig simClr() {
        return new AugmentConfig(Crop.of(0.08, 1, Interpolation.BILINEAR), 0.5, new Jitter(0.8, 0.8, 0.8, 0.8, 0.2),
                0.2, blur(0.5), Solarize.NONE, Normalization.SEWER_ML);
    }

    private static AugmentConfig barlow(double blur, double solarize) {
        return new AugmentConfig(Crop.of(0.08, 1, Interpolation.BICUBIC), 0.5, new Jitter(0.8, 0.4, 0.4, 0.2, 0.1),
                0.2, blur(blur), new Solarize(solarize, 0.5), Normalization.SEWER_ML);
    }

    private static AugmentConfig mae() {
        return new AugmentConfig(Crop.of(0.2, 1, Interpolation.BICUBIC), 0.5, Jitter.NONE, 0, Blur.NONE,
                Solarize.NONE, Normalization.SEWER_ML);
    }

    private static Blur blur(double probability) {
        return new Blur(probability, 0, BLUR_SIGMA_MIN, BLUR_SIGMA_MAX);
    }
}
