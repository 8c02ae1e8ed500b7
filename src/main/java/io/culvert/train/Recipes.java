package io.culvert.train;

import io.culvert.data.augment.AugmentConfig;
import io.culvert.data.augment.AugmentConfig.Blur;
import io.culvert.data.augment.AugmentConfig.Crop;
import io.culvert.data.augment.AugmentConfig.Jitter;
import io.culvert.data.augment.AugmentConfig.Solarize;
import io.culvert.data.augment.AugmentPresets;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;

/** The recipes of a run's views: a preset of the literature with the keys that the configuration sets itself. */
final class Recipes {
    private Recipes() {}

    static List<AugmentConfig> of(RunConfig.Augment keys, int views) {
        return AugmentPresets.views(keys.preset(), views).stream()
                .map(preset -> with(preset, keys, keys.scaleMin(), keys.scaleMax()))
                .toList();
    }

    /** The recipes of the small views. */
    static List<AugmentConfig> local(RunConfig.Augment keys, int views) {
        AugmentConfig preset = AugmentPresets.local(keys.preset());
        return Collections.nCopies(views, with(preset, keys, keys.localScaleMin(), keys.localScaleMax()));
    }

    private static AugmentConfig with(
            AugmentConfig preset, RunConfig.Augment keys, OptionalDouble scaleMin, OptionalDouble scaleMax) {
        Crop crop = preset.crop();
        Jitter jitter = preset.jitter();
        Blur blur = preset.blur();
        Solarize solarize = preset.solarize();
        return new AugmentConfig(
                new Crop(
                        scaleMin.orElse(crop.scaleMin()),
                        scaleMax.orElse(crop.scaleMax()),
                        crop.ratioMin(),
                        crop.ratioMax(),
                        crop.interpolation()),
                keys.flip().orElse(preset.flip()),
                new Jitter(
                        keys.jitter().orElse(jitter.probability()),
                        keys.brightness().orElse(jitter.brightness()),
                        keys.contrast().orElse(jitter.contrast()),
                        keys.saturation().orElse(jitter.saturation()),
                        keys.hue().orElse(jitter.hue())),
                keys.grey().orElse(preset.grey()),
                new Blur(
                        keys.blur().orElse(blur.probability()),
                        blur.kernel(),
                        keys.blurSigmaMin().orElse(blur.sigmaMin()),
                        keys.blurSigmaMax().orElse(blur.sigmaMax())),
                new Solarize(
                        keys.solarize().orElse(solarize.probability()),
                        keys.solarizeThreshold().orElse(solarize.threshold())),
                preset.normalization());
    }
}
