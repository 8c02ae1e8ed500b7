package io.culvert.data.synth;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.data.DefectCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * Writes a data set of synthetic pictures in the shape of Sewer-ML: {@code SewerML_Train.csv} beside {@code train/},
 * {@code SewerML_Val.csv} beside {@code valid/}, pictures (or, with several frames of each, pipes) numbered across both
 * splits. Each file appears whole, and the
 * CSVs last, so that a run that was cut short leaves no data set that looks complete.
 */
public final class SyntheticSewers {
    /** Changes whenever the same seed no longer gives the same pictures. */
    public static final int VERSION = 1;

    private static final String HEADER =
            "Filename,WaterLevel,VA,RB,OB,PF,DE,FS,IS,RO,IN,AF,BE,FO,GR,PH,PB,OS,OP,OK,ND,Defect\n";
    private static final String PARAMETERS = "generator.json";

    private static final String README = """
            These pictures are synthetic. No camera took them and no sewer looks exactly like this.

            Drawn by `culvert data synth` (generator.json holds its parameters) in the shape of Sewer-ML
            (Haurum and Moeslund, CVPR 2021): the same CSV columns, the same 17 defect codes in about the same
            proportions. Good for trying out a pipeline and for comparing methods with each other; results on
            them say nothing about real sewers.

            SewerML_Train.csv  annotations of train/
            SewerML_Val.csv    annotations of valid/
            masks/             if asked for: grey value 0 is sound pipe, 1 to 17 the codes in CSV order (RB = 1)
            """;

    private static final String PIPES = """

            Pictures come in neighbouring frames of one pipe, whose number begins their names: p000123_004 is the
            fourth frame of pipe 123. With data.group_by "(p\\d+)_" no split parts a pipe.
            """;

    private enum Split {
        TRAIN("train", "SewerML_Train.csv"),
        VAL("valid", "SewerML_Val.csv");

        final String folder;
        final String csv;

        Split(String folder, String csv) {
            this.folder = folder;
            this.csv = csv;
        }
    }

    private final Path out;
    private final SynthConfig config;

    private SyntheticSewers(Path out, SynthConfig config) {
        this.out = out;
        this.config = config;
    }

    /**
     * Writes the data set.
     *
     * @param overwrite whether the folder may hold files already; pictures of an earlier data set are removed first
     * @param progress told after each picture how many are done; called by several threads
     * @throws CulvertException of kind USAGE when the folder is not empty, of kind DATA when a file cannot be written
     */
    public static void write(Path out, SynthConfig config, boolean overwrite, IntConsumer progress) {
        SyntheticSewers writer = new SyntheticSewers(out, config);
        writer.prepare(overwrite);
        String[] rows = writer.draw(progress);
        writer.finish(rows);
    }

    private void prepare(boolean overwrite) {
        try {
            if (Files.exists(out) && !Files.isDirectory(out)) {
                throw CulvertException.usage("%s is a file; name a folder with --out", out);
            }
            if (Files.isDirectory(out) && !isEmpty(out)) {
                if (!overwrite) {
                    throw CulvertException.usage("%s is not empty; name another folder or add --overwrite", out);
                }
                clear();
            }
            for (Split split : Split.values()) {
                Files.createDirectories(out.resolve(split.folder));
                if (config.masks()) {
                    Files.createDirectories(out.resolve("masks").resolve(split.folder));
                }
            }
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(out, e);
        }
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.findAny().isEmpty();
        }
    }

    /** Removes an earlier data set, and of its folders only files that this class can have written. */
    private void clear() throws IOException {
        boolean ours = Files.exists(out.resolve(PARAMETERS));
        for (Split split : Split.values()) {
            Files.deleteIfExists(out.resolve(split.csv));
            for (Path folder :
                    List.of(out.resolve(split.folder), out.resolve("masks").resolve(split.folder))) {
                if (ours && Files.isDirectory(folder)) {
                    removePictures(folder);
                }
            }
        }
    }

    private static void removePictures(Path folder) throws IOException {
        List<Path> pictures;
        try (Stream<Path> entries = Files.list(folder)) {
            pictures = entries.filter(p -> p.getFileName().toString().matches("(\\d{8}|p\\d{6,}_\\d{3})\\.(jpg|png)(\\.part)?"))
                    .toList();
        }
        for (Path picture : pictures) {
            Files.delete(picture);
        }
    }

    /** Draws all pictures and returns their CSV rows, in order. */
    private String[] draw(IntConsumer progress) {
        int total = config.train() + config.val();
        String[] rows = new String[total];
        AtomicInteger next = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        Runnable worker = () -> {
            // One a thread: painters hold noise, whose slope is that of its latest call.
            SceneFactory factory =
                    new SceneFactory(config.seed(), config.defectShare(), config.nuisance(), config.severity());
            Renderer renderer = new Renderer(config.width(), config.height());
            try (FrameEncoder encoder = new FrameEncoder()) {
                for (int i = next.getAndIncrement(); i < total; i = next.getAndIncrement()) {
                    rows[i] = picture(i, factory, renderer, encoder);
                    progress.accept(done.incrementAndGet());
                }
            } catch (RuntimeException | Error e) {
                next.set(total);
                throw e;
            }
        };
        try (ExecutorService pool = Executors.newFixedThreadPool(config.threads())) {
            List<Future<?>> workers = new ArrayList<>();
            for (int i = 0; i < config.threads(); i++) {
                workers.add(pool.submit(worker));
            }
            for (Future<?> each : workers) {
                each.get();
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CulvertException mendable) {
                throw mendable;
            }
            throw new IllegalStateException("drawing a synthetic picture failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw CulvertException.data(e, "interrupted before all pictures were written to %s", out);
        }
        return rows;
    }

    private String picture(int number, SceneFactory factory, Renderer renderer, FrameEncoder encoder) {
        Split split = number < config.train() ? Split.TRAIN : Split.VAL;
        int index = split == Split.TRAIN ? number : number - config.train();
        int frames = config.framesPerPipe();
        Scene scene = factory.frame(split.ordinal(), index / frames, index % frames, frames);
        Frame frame = renderer.render(scene);
        int pipe = index / frames + (split == Split.TRAIN ? 0 : Math.ceilDiv(config.train(), frames));
        String stem = frames == 1
                ? String.format("%08d", number + 1)
                : String.format("p%06d_%03d", pipe + 1, index % frames + 1);
        String name = stem + "." + config.format().extension();
        byte[] bytes = switch (config.format()) {
            case JPG -> encoder.jpeg(frame, scene.sensor.jpegQuality());
            case PNG -> encoder.png(frame);
        };
        FrameEncoder.place(out.resolve(split.folder).resolve(name), bytes);
        if (config.masks()) {
            Path mask = out.resolve("masks").resolve(split.folder).resolve(stem + ".png");
            FrameEncoder.place(mask, encoder.mask(frame));
        }
        return row(name, scene);
    }

    private static String row(String name, Scene scene) {
        Set<DefectCode> codes = scene.codes;
        StringBuilder row = new StringBuilder(name).append(',').append(scene.water.percent());
        row.append(scene.water.present() ? ",1" : ",0");
        for (DefectCode code : DefectCode.values()) {
            row.append(codes.contains(code) ? ",1" : ",0");
        }
        return row.append(codes.isEmpty() ? ",1,0\n" : ",0,1\n").toString();
    }

    private void finish(String[] rows) {
        AtomicFile.replace(out.resolve("README.txt"), config.framesPerPipe() > 1 ? README + PIPES : README);
        AtomicFile.replace(out.resolve(PARAMETERS), parameters());
        for (Split split : Split.values()) {
            StringBuilder csv = new StringBuilder(HEADER);
            int from = split == Split.TRAIN ? 0 : config.train();
            int to = split == Split.TRAIN ? config.train() : rows.length;
            for (int i = from; i < to; i++) {
                csv.append(rows[i]);
            }
            AtomicFile.replace(out.resolve(split.csv), csv.toString());
        }
    }

    private String parameters() {
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("generator", "culvert data synth");
        parameters.put("version", VERSION);
        parameters.put("seed", config.seed());
        parameters.put("train", config.train());
        parameters.put("val", config.val());
        parameters.put("defect_share", config.defectShare());
        parameters.put("width", config.width());
        parameters.put("height", config.height());
        parameters.put("format", config.format().extension());
        parameters.put("masks", config.masks());
        parameters.put("nuisance", config.nuisance());
        parameters.put("severity", config.severity());
        if (config.framesPerPipe() > 1) {
            parameters.put("frames_per_pipe", config.framesPerPipe());
        }
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(parameters);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
