package io.culvert.study;

import io.culvert.train.RunConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * One network of a study: trained once, then judged at every test share.
 *
 * @param id hash of everything that decides what is trained
 * @param evaluation hash of everything that decides how it is judged
 * @param row of the study's configuration
 * @param untrained whether it stays as it was initialised
 * @param testShares shares of defects in the test sets
 * @param testSeed decides the test sets
 * @param config whole; the run's folder is named after the id
 */
public record PlannedRun(
        String id,
        String evaluation,
        String row,
        boolean untrained,
        String sampling,
        double trainShare,
        List<Double> testShares,
        long testSeed,
        boolean keepCheckpoint,
        RunConfig config) {
    private static final int ID_DIGITS = 12;

    static PlannedRun of(StudyConfig study, StudyConfig.Row row, String sampling, double trainShare, RunConfig config) {
        String id = hash(config.trainingYaml() + (row.untrained() ? "untrained\n" : ""));
        String evaluation = hash(config.probeYaml() + study.testSeed() + study.testShares());
        List<String> place = List.of("name=" + id, "runs=" + study.folder().resolve("runs"));
        RunConfig named = RunConfig.parse(row.config(), config.toYaml(), place);
        return new PlannedRun(
                id, evaluation, row.name(), row.untrained(), sampling, trainShare, study.testShares(), study.testSeed(),
                study.keepCheckpoints(), named);
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest).substring(0, ID_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    /** What a network of this kind is called in the field: {@code untrained} or the method's name. */
    public String method() {
        if (untrained) {
            return "untrained";
        }
        return config.method().asPublished() ? config.method().name() + " as published" : config.method().name();
    }

    public String backbone() {
        return config.model().name();
    }

    public long seed() {
        return config.seed();
    }

    /** The run's folder. */
    public Path folder() {
        return config.folder();
    }

    /** Sets it free if it failed; whether it had. */
    public boolean retry() {
        return Failure.clear(folder());
    }

    /** Row, share and seed, for people. */
    public String title() {
        return "%s, %s %% defects%s, seed %d".formatted(
                row, percent(trainShare), sampling.equals("published") ? "" : " (" + sampling + ")", seed());
    }

    /** A share in percent, without the sign. */
    public static String percent(double share) {
        return Double.toString(Math.round(share * 1e6) / 1e4).replaceAll("\\.0$", "");
    }
}
