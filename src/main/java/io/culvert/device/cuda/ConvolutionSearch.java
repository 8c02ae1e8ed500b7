package io.culvert.device.cuda;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.device.cuda.CudnnConvolution.Direction;
import io.culvert.device.cuda.CudnnConvolution.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which of cuDNN's algorithms a convolution uses: the one that is fastest when tried, remembered in a file from run to
 * run (one line each: {@code GPU and version | convolution = algorithm, arithmetic}), so that the search costs once and a
 * resumed run computes as before. The file is {@code convolutions.txt} in the folder that the property
 * {@code culvert.cache} names, else in {@code $XDG_CACHE_HOME/culvert} or {@code ~/.cache/culvert};
 * {@code -Dculvert.search=false} takes cuDNN's own first choice instead.
 */
final class ConvolutionSearch {
    private static final String NAME = "convolutions.txt";
    private static final int REPEATS = 5;

    /** Algorithms that ask for more are left out. */
    private static final long MOST_WORKSPACE = 1L << 30;

    private final CudaContext context;
    private final String machine;
    private final boolean enabled = !"false".equals(System.getProperty("culvert.search"));
    private final Path file = folder().resolve(NAME);
    private final Map<String, String> known = new TreeMap<>();

    /** @param machine what else the speed of an algorithm depends on */
    ConvolutionSearch(CudaContext context, String machine) {
        this.context = context;
        this.machine = machine;
        read();
    }

    private static Path folder() {
        String given = System.getProperty("culvert.cache");
        if (given != null) {
            return Path.of(given);
        }
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base = xdg == null || xdg.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        return base.resolve("culvert");
    }

    /** The plan to use among {@code candidates}, of which there is at least one. */
    Plan choose(CudnnConvolution convolution, Direction direction, List<Plan> candidates) {
        List<Plan> affordable =
                candidates.stream().filter(plan -> plan.bytes() <= MOST_WORKSPACE).toList();
        if (!enabled || affordable.size() < 2) {
            return affordable.isEmpty() ? candidates.getFirst() : affordable.getFirst();
        }
        String key = machine + " | " + convolution.describe(direction);
        Optional<Plan> remembered = affordable.stream()
                .filter(plan -> name(plan).equals(known.get(key)))
                .findFirst();
        return remembered.orElseGet(() -> {
            Plan fastest = fastest(convolution, direction, affordable);
            remember(key, name(fastest));
            return fastest;
        });
    }

    private static String name(Plan plan) {
        return plan.algorithm() + ", " + plan.math();
    }

    private Plan fastest(CudnnConvolution convolution, Direction direction, List<Plan> candidates) {
        long[] bytes = convolution.bytes(direction);
        long[] memory = new long[bytes.length];
        try {
            for (int i = 0; i < bytes.length; i++) {
                memory[i] = context.allocate("search for algorithms", bytes[i]);
            }
            Plan best = null;
            long least = Long.MAX_VALUE;
            CulvertException refused = null;
            for (Plan plan : candidates) {
                try {
                    long nanos = time(convolution, direction, plan, memory);
                    if (nanos < least) {
                        least = nanos;
                        best = plan;
                    }
                } catch (CulvertException e) {
                    // The library may offer what it then refuses to run.
                    refused = e;
                }
            }
            if (best == null) {
                throw refused;
            }
            return best;
        } finally {
            for (long address : memory) {
                if (address != 0) {
                    context.free(address);
                }
            }
        }
    }

    private long time(CudnnConvolution convolution, Direction direction, Plan plan, long[] memory) {
        convolution.setMath(direction, plan.math());
        long workspace = plan.bytes() == 0 ? 0 : context.workspace(plan.bytes());
        Runnable run = convolution.bind(direction, plan, workspace, memory[0], memory[1], memory[2], false);
        run.run();
        context.stream().synchronize();
        long start = System.nanoTime();
        for (int i = 0; i < REPEATS; i++) {
            run.run();
        }
        context.stream().synchronize();
        return System.nanoTime() - start;
    }

    private void read() {
        if (!enabled || !Files.isReadable(file)) {
            return;
        }
        try {
            for (String line : Files.readAllLines(file)) {
                int split = line.lastIndexOf(" = ");
                if (split > 0) {
                    known.put(line.substring(0, split), line.substring(split + 3));
                }
            }
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s; delete it", file, e.getMessage());
        }
    }

    /** What other processes have found in the meantime is kept. */
    private void remember(String key, String plan) {
        read();
        known.put(key, plan);
        String text = known.entrySet().stream()
                .map(entry -> entry.getKey() + " = " + entry.getValue() + "\n")
                .collect(Collectors.joining());
        try {
            Files.createDirectories(file.getParent());
            AtomicFile.replace(file, text);
        } catch (IOException | CulvertException e) {
            System.err.printf(
                    "culvert: warning: %s cannot be written (%s): every run searches again; set -Dculvert.cache=FOLDER%n",
                    file, e.getMessage());
        }
    }
}
