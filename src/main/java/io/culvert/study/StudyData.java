package io.culvert.study;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Fingerprints;
import io.culvert.data.ImbalanceSampler;
import io.culvert.data.NearDuplicates;
import io.culvert.data.SewerMlCsv;
import io.culvert.data.synth.SyntheticSewers;
import io.culvert.train.RunConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/** The pictures of a study: the user's own, or drawn ones in their place. */
public final class StudyData {
    private static final String TRAIN = "SewerML_Train.csv";
    private static final String VAL = "SewerML_Val.csv";
    /** Pairs of pictures that are named. */
    private static final int LISTED = 5;

    private static final Duration POLL = Duration.ofSeconds(1);

    private StudyData() {}

    /**
     * A row's configuration, on the pictures that it will see.
     *
     * @param keys {@code key=value}, after all others
     */
    static RunConfig configOf(StudyConfig study, StudyConfig.Row row, List<String> keys) {
        List<String> all = new ArrayList<>(row.keys());
        all.addAll(keys);
        RunConfig config = RunConfig.load(row.config(), all);
        if (study.synthetic().isEmpty() || Files.exists(config.data().csv())) {
            return config;
        }
        Path folder = study.synthetic().get().folder();
        all.addAll(List.of(
                "data.csv=" + folder.resolve(TRAIN),
                "data.images=" + folder.resolve("train"),
                "data.val_csv=" + folder.resolve(VAL),
                "data.val_images=" + folder.resolve("valid")));
        return RunConfig.load(row.config(), all);
    }

    /** The annotations of a row that synthetic pictures take the place of, if there is one. */
    public static Optional<Path> substituted(StudyConfig study) {
        return study.rows().stream()
                .map(row -> RunConfig.load(row.config(), row.keys()).data().csv())
                .filter(csv -> study.synthetic().isPresent()
                        && !csv.startsWith(study.synthetic().get().folder())
                        && !Files.exists(csv))
                .findFirst();
    }

    /** The most images that a training set of one size can have at every share of the study. */
    static int largestSize(StudyConfig study, RunConfig config) {
        RunConfig.Data keys = config.data();
        Dataset pool = SewerMlCsv.read(keys.csv(), keys.images());
        int defects = pool.defectCount();
        return ImbalanceSampler.largestCommonSize(
                (int) (defects * keys.sampleShare()),
                (int) ((pool.size() - defects) * keys.sampleShare()),
                study.trainShares());
    }

    /**
     * Draws the synthetic pictures if rows need them and they are not there; waits if another worker is drawing them.
     *
     * @param dead after how long without a sign of life a worker counts as dead
     * @param progress is told how many pictures are done
     * @return whether this call drew them
     * @throws CulvertException (data) if pictures are missing and the study has no synthetic ones
     */
    public static boolean prepare(StudyConfig study, Duration dead, IntConsumer progress) throws InterruptedException {
        boolean drawn = false;
        for (StudyConfig.Row row : study.rows()) {
            Path csv = configOf(study, row, List.of()).data().csv();
            if (study.synthetic().isPresent() && csv.startsWith(study.synthetic().get().folder())) {
                drawn |= draw(study.synthetic().get(), dead, progress);
            }
            requireThere(row, configOf(study, row, List.of()).data());
        }
        return drawn;
    }

    /**
     * Looks for pictures that are in a training set and in the validation set beside it, or look alike; reads all of them.
     *
     * @return what was found, by the two sets' files
     */
    public static Map<String, NearDuplicates.Report> overlaps(Plan plan) {
        Map<String, NearDuplicates.Report> found = new LinkedHashMap<>();
        int threads = Runtime.getRuntime().availableProcessors();
        for (PlannedRun run : plan.runs()) {
            RunConfig.Data data = run.config().data();
            found.computeIfAbsent(data.csv() + " and " + data.valCsv(), files -> NearDuplicates.between(
                    Fingerprints.of(SewerMlCsv.read(data.csv(), data.images()), threads, done -> {}),
                    Fingerprints.of(SewerMlCsv.read(data.valCsv(), data.validationImages()), threads, done -> {}),
                    NearDuplicates.DISTANCE,
                    LISTED));
        }
        return found;
    }

    private static boolean draw(StudyConfig.Synthetic synthetic, Duration dead, IntConsumer progress)
            throws InterruptedException {
        boolean drawn = false;
        Path last = synthetic.folder().resolve(VAL);
        while (!Files.exists(last)) {
            Optional<Claim> claim = Claim.take(synthetic.folder(), dead);
            if (claim.isEmpty()) {
                Thread.sleep(POLL);
                continue;
            }
            try (Claim held = claim.get();
                    Beats beats = Beats.of(held, dead)) {
                if (!held.lost() && !Files.exists(last)) {
                    SyntheticSewers.write(synthetic.folder(), synthetic.pictures(), true, progress);
                    drawn = true;
                }
            }
        }
        return drawn;
    }

    private static void requireThere(StudyConfig.Row row, RunConfig.Data data) {
        for (Path csv : List.of(data.csv(), data.valCsv())) {
            if (!Files.isRegularFile(csv)) {
                throw CulvertException.data(
                        "%s: not there (row %s); set data.csv, data.images, data.val_csv and data.val_images to Sewer-ML's,"
                                + " or give the study a section 'synthetic'",
                        csv, row.name());
            }
        }
    }
}
