package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.device.cpu.RgbImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Looks for everything that would stop or spoil a run on a data set, and counts what is in it. */
public final class DatasetCheck {
    private static final int SMALLEST_SIDE = 16;
    // Problems of images are ordered behind those of rows, duplicates behind both.
    private static final long IMAGES = 1L << 32;
    private static final long DUPLICATES = 2L << 32;

    private final List<Sample> samples;
    private final Dataset dataset;
    private final ProblemList problems;
    private final Options options;
    private final SortedMap<Size, Integer> sizes = new TreeMap<>();
    private final AtomicInteger claimed = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private final Fingerprints fingerprints;

    /**
     * How thorough to be.
     *
     * @param decode decode every image, or only see that its file is there and not empty
     * @param threads threads that look at images
     * @param listed problems to list; the others are counted
     * @param fingerprints keep what {@link NearDuplicates} compares of each image decoded
     */
    public record Options(boolean decode, int threads, int listed, boolean fingerprints) {
        public Options(boolean decode, int threads, int listed) {
            this(decode, threads, listed, false);
        }

        public Options {
            if (fingerprints && !decode) {
                throw CulvertException.usage("near duplicates are found by decoding the images: leave --no-decode out");
            }
            if (threads < 1 || listed < 0) {
                throw CulvertException.usage("a check takes 1 thread or more and lists 0 problems or more, got %d and "
                        + "%d", threads, listed);
            }
        }
    }

    /** A picture's size in pixels. */
    public record Size(int width, int height) implements Comparable<Size> {
        @Override
        public int compareTo(Size other) {
            return width != other.width ? Integer.compare(width, other.width) : Integer.compare(height, other.height);
        }

        /** Whether Sewer-ML has pictures of this size. */
        public boolean inSewerMl() {
            return switch (width) {
                case 350 -> height == 284;
                case 352 -> height == 288;
                case 466 -> height == 568;
                case 480, 720, 768 -> height == 576;
                default -> false;
            };
        }

        @Override
        public String toString() {
            return width + "x" + height;
        }
    }

    /**
     * What the check found.
     *
     * @param dataset the good rows
     * @param sizes how many decoded images have each size; empty when none were decoded
     * @param problems the first problems, one line each
     * @param problemCount all problems
     * @param fingerprints of the images that could be decoded, if they were asked for
     */
    public record Report(
            Dataset dataset, SortedMap<Size, Integer> sizes, List<String> problems, long problemCount,
            Optional<Fingerprints> fingerprints) {
        public boolean ok() {
            return problemCount == 0;
        }
    }

    private DatasetCheck(Dataset dataset, Options options, ProblemList problems) {
        this.dataset = dataset;
        this.samples = dataset.samples();
        this.options = options;
        this.problems = problems;
        fingerprints = options.fingerprints() ? new Fingerprints(dataset) : null;
    }

    /**
     * Checks a data set.
     *
     * @param progress told the number of images looked at so far, from any of the threads
     * @throws CulvertException of kind DATA when the CSV cannot be read at all, its header lacks columns, or the folder
     *     of images is not there
     */
    public static Report run(Path csv, Path images, Options options, IntConsumer progress) {
        ProblemList problems = new ProblemList(options.listed());
        List<Sample> samples = SewerMlCsv.read(csv, problem -> problems.add(problems.count(), problem));
        if (!Files.isDirectory(images)) {
            throw CulvertException.data("%s: no such folder of images", images);
        }
        if (samples.isEmpty() && problems.count() == 0) {
            problems.add(0, csv + ": there is no row below the header");
        }
        DatasetCheck check = new DatasetCheck(new Dataset(images, samples), options, problems);
        check.findDuplicates(csv);
        DecodingThreads.run("check", options.threads(), () -> check.work(progress));
        return new Report(check.dataset, check.sizes, problems.listed(), problems.count(),
                Optional.ofNullable(check.fingerprints));
    }

    private void findDuplicates(Path csv) {
        Map<String, Sample> seen = new HashMap<>(2 * samples.size());
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            Sample earlier = seen.putIfAbsent(sample.file(), sample);
            if (earlier != null) {
                problems.add(DUPLICATES + i, csv + ": " + sample.file() + " is listed twice"
                        + (earlier.codes() == sample.codes() ? "" : ", with different codes"));
            }
        }
    }

    private void work(IntConsumer progress) {
        PictureHash hash = new PictureHash();
        try (ImageDecoder decoder = new ImageDecoder(); RgbImage image = new RgbImage()) {
            for (int i = claimed.getAndIncrement(); i < samples.size(); i = claimed.getAndIncrement()) {
                String problem = options.decode() ? decode(i, decoder, image, hash) : look(i);
                if (problem != null) {
                    problems.add(IMAGES + i, problem);
                }
                progress.accept(done.incrementAndGet());
            }
        } catch (RuntimeException | Error e) {
            claimed.set(samples.size());
            throw e;
        }
    }

    /** What is wrong with an image without decoding it, or null. */
    private String look(int index) {
        Path file = dataset.path(index);
        if (!Files.isRegularFile(file)) {
            return "image " + file + " does not exist";
        }
        return file.toFile().length() == 0 ? "image " + file + " is empty" : null;
    }

    /** What is wrong with an image, or null. */
    private String decode(int index, ImageDecoder decoder, RgbImage image, PictureHash hash) {
        try {
            decoder.decode(dataset.path(index), image);
        } catch (CulvertException e) {
            if (e.kind() != CulvertException.Kind.DATA) {
                throw e;
            }
            return e.getMessage();
        }
        if (fingerprints != null) {
            fingerprints.set(index, image, hash);
        }
        Size size = new Size(image.width(), image.height());
        synchronized (sizes) {
            sizes.merge(size, 1, Integer::sum);
        }
        return Math.min(size.width(), size.height()) < SMALLEST_SIDE
                ? "image " + dataset.path(index) + " has only " + size + " pixels" : null;
    }
}
