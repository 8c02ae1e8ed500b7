package io.culvert.train;

import io.culvert.data.Dataset;
import io.culvert.data.DefectCode;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A linear probe for each of Sewer-ML's defect codes on the same frozen features: the multi-label task of its benchmark (Haurum
 * and Moeslund, CVPR 2021), whose loss weighs each code by the images without it / with it, as these probes do.
 */
final class CodeProbes {
    /** Images of a code, or without it, that a probe needs to be fitted and checked. */
    private static final int LEAST = 4;

    private CodeProbes() {}

    /**
     * How likely each code is held to be, {@code [rows of unknown, 17]} in the order of {@link DefectCode}. A code that
     * too few training images have is never recognised: 0.
     */
    static double[] probabilities(RunConfig config, Features known, Dataset train, Features unknown, LinearProbe.Options options) {
        DefectCode[] codes = DefectCode.values();
        double[] probabilities = new double[unknown.rows() * codes.length];
        for (DefectCode code : codes) {
            int[] labels = train.samples().stream()
                    .mapToInt(sample -> sample.has(code) ? 1 : 0)
                    .toArray();
            int images = Arrays.stream(labels).sum();
            if (images < LEAST || labels.length - images < LEAST) {
                continue;
            }
            double[] logOdds = LinearProbe.fit(known, labels, Probing.heldOut(config, train, labels), options)
                    .scores(unknown);
            IntStream.range(0, logOdds.length)
                    .forEach(i -> probabilities[i * codes.length + code.ordinal()] = 1 / (1 + Math.exp(-logOdds[i])));
        }
        return probabilities;
    }
}
