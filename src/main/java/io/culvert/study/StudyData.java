package io.culvert.study;

import io.culvert.CulvertException;
import io.culvert.data.synth.SyntheticSewers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/** The pictures of a study: the user's own, or drawn ones in their place. */
public final class StudyData {
    private static final String TRAIN = "SewerML_Train.csv";
    private static final String VAL = "SewerML_Val.csv";
    private static final Duration POLL = Duration.ofSeconds(1);

    private StudyData() {}

    /** The keys that make a run use the pictures in a folder that {@code culvert data synth} wrote. */
    static List<String> keys(Path folder) {
        return List.of(
                "data.csv=" + folder.resolve(TRAIN),
                "data.images=" + folder.resolve("train"),
                "data.val_csv=" + folder.resolve(VAL),
                "data.val_images=" + folder.resolve("valid"));
    }

    /**
     * Draws the synthetic pictures if runs need them and they are not there; waits if another worker is drawing them.
     *
     * @param dead after how long without a sign of life a worker counts as dead
     * @param progress is told how many pictures are done
     * @return whether this call drew them
     */
    public static boolean prepare(StudyConfig study, Plan plan, Duration dead, IntConsumer progress)
            throws InterruptedException {
        if (study.synthetic().isEmpty()) {
            requireThere(plan);
            return false;
        }
        StudyConfig.Synthetic synthetic = study.synthetic().get();
        Path csv = synthetic.folder().resolve(VAL);
        boolean needed = plan.runs().stream()
                .anyMatch(run -> run.config().data().csv().startsWith(synthetic.folder()));
        boolean drawn = false;
        while (needed && !Files.exists(csv)) {
            Optional<Claim> claim = Claim.take(synthetic.folder(), dead);
            if (claim.isEmpty()) {
                Thread.sleep(POLL);
                continue;
            }
            try (Claim held = claim.get();
                    Beats beats = Beats.of(held, dead)) {
                if (!held.lost() && !Files.exists(csv)) {
                    SyntheticSewers.write(synthetic.folder(), synthetic.pictures(), true, progress);
                    drawn = true;
                }
            }
        }
        requireThere(plan);
        return drawn;
    }

    private static void requireThere(Plan plan) {
        for (PlannedRun run : plan.runs()) {
            for (Path csv : List.of(run.config().data().csv(), run.config().data().valCsv())) {
                if (!Files.isRegularFile(csv)) {
                    throw CulvertException.data(
                            "%s: not there (row %s); set data.csv, data.images, data.val_csv and data.val_images to Sewer-ML's,"
                                    + " or give the study a section 'synthetic'",
                            csv, run.row());
                }
            }
        }
    }
}
