package io.culvert.bench.djl;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.culvert.CulvertException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;

/** DJL's PyTorch engine, as the peer of every Java benchmark: CPU, natives from Maven, no network. */
public final class DjlEngine {
    private DjlEngine() {}

    /**
     * The JVM flags that keep DJL offline: it takes its natives from the class path, unpacks them once into the user's
     * cache and never calls home.
     */
    public static List<String> jvmFlags(int threads) {
        return List.of(
                "-Dai.djl.offline=true",
                "-Doffline=true",
                "-DOPT_OUT_TRACKING=true",
                "-DDJL_CACHE_DIR=" + cacheFolder(),
                "-Dai.djl.pytorch.num_threads=" + threads);
    }

    /** Where the natives are unpacked: {@code $XDG_CACHE_HOME/culvert/djl}, by default below {@code ~/.cache}. */
    static Path cacheFolder() {
        String configured = System.getenv("XDG_CACHE_HOME");
        Path cache = configured == null || configured.isBlank()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(configured);
        return cache.resolve("culvert").resolve("djl");
    }

    /** Starts the engine with the given number of threads for each operation. */
    public static NDManager open(int threads) {
        Engine engine = Engine.getEngine("PyTorch");
        JniUtils.setNumThreads(threads);
        return engine.newBaseManager();
    }

    /** DJL's version and that of the PyTorch natives on the class path. */
    public static String version() {
        Properties natives = new Properties();
        try (InputStream in = DjlEngine.class.getResourceAsStream("/native/lib/pytorch.properties")) {
            if (in == null) {
                throw CulvertException.device("DJL's PyTorch natives are not on the class path; build with -Ppeers");
            }
            natives.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Engine.getDjlVersion() + " with PyTorch " + natives.getProperty("version");
    }
}
