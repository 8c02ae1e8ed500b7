package io.culvert.train;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.tracking.MlflowClient;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * Sends a run to an MLflow server: its name and configuration, the numbers of its log lines, how it ended. A thread of its own
 * speaks to the server, so that training never waits for it; at the first failure it says so once and stops.
 */
final class MlflowTracker {
    private static final String EXPERIMENT = "culvert";
    /** The server takes no more in one request. */
    private static final int PARAMS = 100;

    private static final int LONGEST_PARAM = 500;
    private static final int QUEUED = 1000;
    private static final long PATIENCE_SECONDS = 10;

    private final ThreadPoolExecutor sender = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(QUEUED), task -> Thread.ofPlatform().daemon().name("culvert-mlflow").unstarted(task));

    private final String uri;
    private final MlflowClient client;
    private volatile String runId;
    private volatile boolean failed;
    private volatile String warning;

    private MlflowTracker(String uri) {
        this.uri = uri;
        client = new MlflowClient(uri);
    }

    /**
     * Begins a run at the server, or goes on with the one that the file names.
     *
     * @param idFile where the server's name of the run is kept, for the run to go on there when it is resumed
     * @throws CulvertException (usage) if the address is none, or MLflow's client is not on the class path
     */
    static MlflowTracker open(String uri, RunConfig config, Path idFile) {
        if (!uri.matches("https?://.+")) {
            throw CulvertException.usage("log.mlflow: '%s' is no address of a server, as http://localhost:5000", uri);
        }
        MlflowTracker tracker;
        try {
            tracker = new MlflowTracker(uri);
        } catch (NoClassDefFoundError e) {
            throw CulvertException.usage("log.mlflow needs org.mlflow:mlflow-client on the class path, which the Maven build"
                    + " brings: add it, or leave log.mlflow empty");
        }
        tracker.send(() -> tracker.begin(config, idFile));
        return tracker;
    }

    private void begin(RunConfig config, Path idFile) throws IOException {
        if (Files.exists(idFile)) {
            runId = Files.readString(idFile).strip();
            client.setTag(runId, "culvert.resumed", "true");
            return;
        }
        String experiment = client.getExperimentByName(EXPERIMENT)
                .map(found -> found.getExperimentId())
                .orElseGet(() -> client.createExperiment(EXPERIMENT));
        runId = client.createRun(experiment).getRunUuid();
        AtomicFile.replace(idFile, runId);
        client.setTag(runId, "mlflow.runName", config.name());
        List<Param> params = new ArrayList<>();
        flatten("", new Load(LoadSettings.builder().build()).loadFromString(config.toYaml()), params);
        for (int i = 0; i < params.size(); i += PARAMS) {
            client.logBatch(runId, List.<Metric>of(), params.subList(i, Math.min(params.size(), i + PARAMS)), List.<RunTag>of());
        }
    }

    private static void flatten(String key, Object value, List<Param> to) {
        if (value instanceof Map<?, ?> map) {
            map.forEach((inner, child) -> flatten(key.isEmpty() ? inner.toString() : key + "." + inner, child, to));
            return;
        }
        String text = String.valueOf(value);
        to.add(Param.newBuilder().setKey(key).setValue(text.substring(0, Math.min(text.length(), LONGEST_PARAM))).build());
    }

    /** Sends the numbers of a log line; those that are not finite are left out. */
    void metrics(long step, Map<String, Number> line) {
        long now = System.currentTimeMillis();
        List<Metric> metrics = new ArrayList<>();
        line.forEach((key, value) -> {
            if (Double.isFinite(value.doubleValue())) {
                metrics.add(Metric.newBuilder().setKey(key).setValue(value.doubleValue()).setTimestamp(now).setStep(step).build());
            }
        });
        send(() -> client.logBatch(runId, metrics, List.<Param>of(), List.<RunTag>of()));
    }

    /** Says how the run ended, and waits a while for all that is still to be sent. */
    void end(boolean finished) {
        send(() -> client.setTerminated(runId, finished ? RunStatus.FINISHED : RunStatus.FAILED));
        sender.shutdown();
        try {
            if (!sender.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                fail("it does not answer");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        client.close();
    }

    /** What to tell the user, once. */
    Optional<String> warning() {
        String words = warning;
        warning = null;
        return Optional.ofNullable(words);
    }

    private interface Request {
        void send() throws IOException;
    }

    private void send(Request request) {
        if (failed) {
            return;
        }
        try {
            sender.execute(() -> run(request));
        } catch (RejectedExecutionException e) {
            fail("it is too slow");
        }
    }

    private void run(Request request) {
        if (failed) {
            return;
        }
        try {
            request.send();
        } catch (IOException | RuntimeException e) {
            fail(String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
    }

    private void fail(String reason) {
        if (!failed) {
            failed = true;
            warning = "MLflow at " + uri + " gets nothing more of this run: " + reason;
        }
    }
}
