package io.culvert.data.synth;

import io.culvert.CulvertException;

/**
 * What {@link SyntheticSewers} writes.
 *
 * @param train number of training pictures
 * @param val number of validation pictures
 * @param defectShare share of pictures with at least one defect, 0 to 1, in both splits
 * @param width pixels across
 * @param height pixels down
 * @param seed same seed, same pictures
 * @param masks whether to write a label mask beside each picture
 * @param nuisance how much pipes and cameras differ: 1 as in the field, 0 not at all; exposure and colour always vary
 * @param severity how far defects go: 1 as intended, smaller is harder to see
 * @param threads pictures drawn at a time; changes no pixel
 * @param framesPerPipe neighbouring frames of each pipe; no pipe is in both splits
 */
public record SynthConfig(
        int train,
        int val,
        double defectShare,
        int width,
        int height,
        long seed,
        Format format,
        boolean masks,
        double nuisance,
        double severity,
        int threads,
        int framesPerPipe) {
    private static final int SMALLEST = 32;
    private static final int LARGEST = 4096;

    /** How pictures are stored. */
    public enum Format {
        JPG,
        PNG;

        String extension() {
            return this == JPG ? "jpg" : "png";
        }
    }

    /** Every picture shows a pipe of its own. */
    public SynthConfig(
            int train, int val, double defectShare, int width, int height, long seed, Format format, boolean masks,
            double nuisance, double severity, int threads) {
        this(train, val, defectShare, width, height, seed, format, masks, nuisance, severity, threads, 1);
    }

    /** @throws CulvertException of kind USAGE naming the first value out of range */
    public SynthConfig {
        require(train >= 0 && val >= 0 && train + (long) val > 0, "--train and --val", "at least one picture");
        require(train + (long) val < 100_000_000, "--train and --val", "fewer than 100,000,000 pictures");
        require(defectShare >= 0 && defectShare <= 1, "--defect-share", "a share from 0 to 1");
        require(width >= SMALLEST && width <= LARGEST, "--size", "a width from 32 to 4096");
        require(height >= SMALLEST && height <= LARGEST, "--size", "a height from 32 to 4096");
        require(nuisance >= 0 && nuisance <= 1, "--nuisance", "a factor from 0 to 1");
        require(severity > 0 && severity <= 1, "--severity", "a factor above 0, up to 1");
        require(threads >= 1, "--threads", "at least one thread");
        require(framesPerPipe >= 1 && framesPerPipe <= 999, "--frames-per-pipe", "1 to 999 frames");
    }

    private static void require(boolean condition, String option, String expected) {
        if (!condition) {
            throw CulvertException.usage("%s: expected %s", option, expected);
        }
    }
}
