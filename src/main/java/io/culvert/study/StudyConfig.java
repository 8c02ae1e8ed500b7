package io.culvert.study;

import io.culvert.CulvertException;
import io.culvert.data.synth.SynthConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A study: rows (a method on a backbone each), trained at every share of defects with every seed, and each trained
 * network tested at every share.
 *
 * @param name of the study
 * @param folder that holds everything the study writes
 * @param rows what is compared
 * @param sampling how the training set of a share is drawn: {@code published}, {@code fixed_size} or both
 * @param size images of a training set of {@code fixed_size}; 0: as many as every share can have
 * @param trainShares shares of defects in training sets
 * @param testShares shares of defects in test sets
 * @param seeds one run each, of everything that is random in it
 * @param testSeed decides the test sets, the same ones for all runs
 * @param keepCheckpoints whether a run's checkpoint stays once it is evaluated
 * @param synthetic pictures to draw where the rows' own are not there
 */
public record StudyConfig(
        String name,
        Path folder,
        List<Row> rows,
        List<String> sampling,
        long size,
        List<Double> trainShares,
        List<Double> testShares,
        List<Long> seeds,
        long testSeed,
        boolean keepCheckpoints,
        Optional<Synthetic> synthetic) {
    /**
     * One method on one backbone.
     *
     * @param config the run's YAML file
     * @param untrained whether the network stays as it was initialised
     * @param keys that replace those of the file, {@code key=value}
     */
    public record Row(String name, Path config, boolean untrained, List<String> keys) {}

    /**
     * Pictures that are drawn when the rows' own are not there.
     *
     * @param folder to draw them into
     */
    public record Synthetic(Path folder, SynthConfig pictures) {}

    private static final List<String> SAMPLINGS = List.of("published", "fixed_size");

    /**
     * Reads a study's YAML file.
     *
     * @param overrides {@code key=value}, for the runs of all rows
     * @throws CulvertException (usage) naming file and key; (data) if the file is missing
     */
    public static StudyConfig load(Path file, List<String> overrides) {
        YamlTree tree = YamlTree.read(file);
        String fileName = file.getFileName().toString().replaceFirst("\\.ya?ml$", "");
        String name = tree.text("name", fileName);
        Path folder = Path.of(tree.text("folder", Path.of("studies", name).toString()));
        List<String> common = tree.section("keys").map(YamlTree::overrides).orElse(List.of());
        String config = tree.text("config", "");
        List<Row> rows = new ArrayList<>();
        for (Map.Entry<String, YamlTree> row : tree.sections("rows").entrySet()) {
            rows.add(row(file, row.getKey(), row.getValue(), config, common, overrides));
        }
        List<String> sampling = tree.texts("sampling", List.of("published"));
        for (String one : sampling) {
            if (!SAMPLINGS.contains(one)) {
                throw tree.fault("sampling", "unknown '" + one + "'; known: " + String.join(", ", SAMPLINGS));
            }
        }
        StudyConfig study = new StudyConfig(
                name,
                folder,
                List.copyOf(rows),
                sampling,
                tree.whole("size", 0, 0),
                tree.shares("train_shares"),
                tree.shares("test_shares"),
                tree.wholes("seeds", List.of(42L)),
                tree.whole("test_seed", 42, Long.MIN_VALUE),
                tree.flag("keep_checkpoints", false),
                tree.section("synthetic").map(StudyConfig::synthetic));
        tree.requireNoOther();
        return study;
    }

    private static Row row(
            Path file, String name, YamlTree keys, String otherwise, List<String> common, List<String> overrides) {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw CulvertException.usage(
                    "%s: rows.%s: a row's name is made of letters, digits, '.', '_' and '-'", file, name);
        }
        String config = keys.text("config", otherwise);
        if (config.isEmpty()) {
            throw keys.fault("config", "must be given, here or for all rows: the YAML file of the row's runs");
        }
        boolean untrained = keys.flag("untrained", false);
        List<String> all = new ArrayList<>(common);
        all.addAll(keys.overrides());
        all.addAll(overrides);
        return new Row(name, file.resolveSibling(config), untrained, List.copyOf(all));
    }

    private static Synthetic synthetic(YamlTree keys) {
        String folder = keys.text("folder", "");
        if (folder.isEmpty()) {
            throw keys.fault("folder", "must be given: where the pictures are drawn");
        }
        SynthConfig pictures = new SynthConfig(
                (int) keys.whole("train", 2000, 1),
                (int) keys.whole("val", 1000, 1),
                keys.number("defect_share", 0.47),
                (int) keys.whole("width", 176, 1),
                (int) keys.whole("height", 144, 1),
                keys.whole("seed", 1, Long.MIN_VALUE),
                SynthConfig.Format.JPG,
                false,
                keys.number("nuisance", 1),
                keys.number("severity", 1),
                Runtime.getRuntime().availableProcessors(),
                (int) keys.whole("frames_per_pipe", 1, 1));
        keys.requireNoOther();
        return new Synthetic(Path.of(folder), pictures);
    }
}
