package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.culvert.CulvertException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a server of our own that answers as MLflow's REST interface does. */
class MlflowTrackerTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path folder;

    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, Double> metrics = Collections.synchronizedMap(new TreeMap<>());
    private final Map<String, String> params = Collections.synchronizedMap(new TreeMap<>());
    private HttpServer server;
    private volatile boolean broken;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private String uri() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String call = exchange.getRequestURI().getPath().replaceFirst("/api/2.0/mlflow/", "");
        byte[] body = exchange.getRequestBody().readAllBytes();
        JsonNode json = JSON.readTree(body.length == 0 ? "{}".getBytes(StandardCharsets.UTF_8) : body);
        calls.add(call + (call.equals("runs/update") ? " " + json.path("status").asText() : ""));
        json.path("metrics").forEach(m -> metrics.put(m.path("key").asText() + "@" + m.path("step").asLong(), m.path("value").asDouble()));
        json.path("params").forEach(p -> params.put(p.path("key").asText(), p.path("value").asText()));
        String reply = switch (call) {
            case "experiments/get-by-name" -> "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"none\"}";
            case "experiments/create" -> "{\"experiment_id\": \"7\"}";
            case "runs/create" -> "{\"run\": {\"info\": {\"run_id\": \"abc\", \"run_uuid\": \"abc\", \"experiment_id\": \"7\"}}}";
            default -> "{}";
        };
        byte[] bytes = (broken ? "{\"error_code\": \"INTERNAL_ERROR\", \"message\": \"out of order\"}" : reply).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        exchange.sendResponseHeaders(broken ? 500 : call.equals("experiments/get-by-name") ? 404 : 200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private RunConfig config() throws IOException {
        Path file = folder.resolve("mine.yaml");
        Files.writeString(file, "data: {csv: a.csv, images: a}\noptim: {lr: 0.125}\n");
        return RunConfig.load(file, List.of());
    }

    @Test
    void sendsNameParametersMetricsAndEnd() throws IOException {
        Path id = folder.resolve("mlflow.run");
        MlflowTracker tracker = MlflowTracker.open(uri(), config(), id);
        tracker.metrics(10, Map.of("loss", 4.5f, "lr", 0.25, "rank", Double.NaN));
        tracker.metrics(20, Map.of("loss", 3.5f));
        tracker.end(true);
        assertThat(tracker.warning()).isEmpty();
        assertThat(metrics).isEqualTo(Map.of("loss@10", 4.5, "lr@10", 0.25, "loss@20", 3.5));
        assertThat(params).containsEntry("optim.lr", "0.125").containsEntry("data.csv", "a.csv").containsEntry("name", "mine");
        assertThat(calls).containsSubsequence("runs/create", "runs/set-tag", "runs/log-batch", "runs/update FINISHED");
        assertThat(id).hasContent("abc");
        calls.clear();

        MlflowTracker resumed = MlflowTracker.open(uri(), config(), id);
        resumed.metrics(30, Map.of("loss", 2.5f));
        resumed.end(false);
        assertThat(calls).containsExactly("runs/set-tag", "runs/log-batch", "runs/update FAILED");
    }

    @Test
    void aServerThatFailsIsToldOnceAndTrainingGoesOn() throws IOException {
        MlflowTracker tracker = MlflowTracker.open(uri(), config(), folder.resolve("id"));
        tracker.metrics(10, Map.of("loss", 4.5f));
        broken = true;
        for (int step = 20; step < 2000; step++) {
            tracker.metrics(step, Map.of("loss", 4.5f));
        }
        tracker.end(true);
        assertThat(tracker.warning()).hasValueSatisfying(line ->
                assertThat(line).startsWith("MLflow at " + uri() + " gets nothing more of this run: ").doesNotContain("\n"));
        assertThat(tracker.warning()).isEmpty();
    }

    @Test
    void noServerAtAllIsAWarningToo() throws IOException {
        String nobody = uri();
        server.stop(0);
        MlflowTracker tracker = MlflowTracker.open(nobody, config(), folder.resolve("id"));
        tracker.metrics(10, Map.of("loss", 4.5f));
        tracker.end(true);
        assertThat(tracker.warning()).isPresent();
    }

    @Test
    void anAddressMustBeOne() {
        assertThatThrownBy(() -> MlflowTracker.open("localhost:5000", config(), folder.resolve("id")))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("log.mlflow")
                .hasMessageContaining("http://localhost:5000");
    }
}
