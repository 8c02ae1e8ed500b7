package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Groups;
import io.culvert.data.ImbalanceSampler;
import io.culvert.data.Sample;
import io.culvert.data.SewerMlCsv;
import io.culvert.data.StratifiedSplit;
import java.util.List;

/**
 * The images that a run trains on: a sample of the CSV's, then the share of defects drawn from it, then no more than the
 * limit. What is drawn depends on the seed and these keys alone.
 */
final class TrainingSet {
    private TrainingSet() {}

    static Dataset of(RunConfig config) {
        RunConfig.Data keys = config.data();
        Dataset images = SewerMlCsv.read(keys.csv(), keys.images());
        requireGroupsApart(images, keys);
        if (keys.sampleShare() < 1) {
            images = StratifiedSplit.of(images, keys.sampleShare(), config.seed(), keys.groupBy()).first();
        }
        images = withDefectShare(images, keys, config.seed());
        if (keys.limit() > 0 && keys.limit() < images.size()) {
            double fraction = (double) keys.limit() / images.size();
            images = StratifiedSplit.of(images, fraction, config.seed(), keys.groupBy()).first();
        }
        return images;
    }

    /** Also where nothing validates yet: a run that pre-trains on a test's pipes is spoilt all the same. */
    private static void requireGroupsApart(Dataset images, RunConfig.Data keys) {
        if (keys.groupBy().isEmpty() || !keys.hasValidation() || keys.allowSharedGroups()) {
            return;
        }
        List<Sample> validation = SewerMlCsv.read(keys.valCsv(), problem -> {
            throw CulvertException.data("%s", problem);
        });
        Groups.of(keys.groupBy(), images.samples())
                .requireApart(
                        Groups.of(keys.groupBy(), validation), keys.csv().toString(), keys.valCsv().toString());
    }

    private static Dataset withDefectShare(Dataset pool, RunConfig.Data keys, long seed) {
        boolean fixed = switch (keys.sampling()) {
            case "published" -> false;
            case "fixed_size" -> true;
            default -> throw CulvertException.usage(
                    "data.sampling: unknown '%s'; known: published, fixed_size", keys.sampling());
        };
        if (fixed != (keys.size() > 0)) {
            throw CulvertException.usage(fixed
                    ? "data.sampling=fixed_size: set data.size, the images of the set, to the same in all runs to compare"
                    : "data.size is for data.sampling=fixed_size: set that too, or use data.limit");
        }
        if (keys.defectShare().isEmpty()) {
            if (fixed) {
                throw CulvertException.usage(
                        "data.sampling=fixed_size draws a share of defects: set data.defect_share, or use data.limit");
            }
            return pool;
        }
        double share = keys.defectShare().getAsDouble();
        return fixed
                ? ImbalanceSampler.draw(pool, share, keys.size(), seed)
                : ImbalanceSampler.draw(pool, share, seed);
    }
}
