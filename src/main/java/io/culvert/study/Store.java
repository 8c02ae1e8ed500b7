package io.culvert.study;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * The results of a study as a DuckDB database, {@code study.duckdb} in its folder. It is made anew of the runs' sidecars
 * whenever it is asked for: the sidecars are the truth, and the file may be deleted or opened with any DuckDB.
 *
 * <p>Tables: {@code runs}, one row a network; {@code results}, one a network, reader, test share and metric (long);
 * {@code cells}, the same with a column a metric (wide); {@code scores}, one a network and label-free score.
 */
public final class Store implements AutoCloseable {
    private static final String FILE = "study.duckdb";
    private static final String SCHEMA =
            """
            columns = {
              id: 'VARCHAR', evaluation: 'VARCHAR', "row": 'VARCHAR', method: 'VARCHAR', backbone: 'VARCHAR',
              sampling: 'VARCHAR', train_share: 'DOUBLE', seed: 'BIGINT',
              training: 'STRUCT(images BIGINT, defects BIGINT, steps BIGINT, loss DOUBLE)',
              cells: 'STRUCT(reader VARCHAR, test_share DOUBLE, images BIGINT, defects BIGINT,
                             metrics MAP(VARCHAR, DOUBLE))[]',
              label_free: 'MAP(VARCHAR, DOUBLE)',
              cost: 'STRUCT(train_seconds DOUBLE, judge_seconds DOUBLE)',
              machine: 'MAP(VARCHAR, VARCHAR)', finished: 'VARCHAR'}
            """;

    private static final List<String> TABLES = List.of(
            """
            CREATE TABLE runs AS
            SELECT id, "row", method, backbone, sampling, train_share, seed, training.images AS images,
                   training.defects AS defects, training.steps AS steps, training.loss AS loss,
                   cost.train_seconds AS train_seconds, cost.judge_seconds AS judge_seconds, machine, finished
            FROM sidecars ORDER BY place
            """,
            """
            CREATE TABLE results AS
            WITH read AS (SELECT place, id, "row", method, backbone, sampling, train_share, seed, unnest(cells) AS cell
                          FROM sidecars)
            SELECT id, "row", method, backbone, sampling, train_share, seed, cell.reader AS reader,
                   cell.test_share AS test_share, cell.images AS images, cell.defects AS defects,
                   unnest(map_keys(cell.metrics)) AS metric, unnest(map_values(cell.metrics)) AS value
            FROM read ORDER BY place
            """,
            """
            CREATE TABLE cells AS
            PIVOT results ON metric USING first(value)
            """,
            """
            CREATE TABLE scores AS
            SELECT id, "row", method, backbone, sampling, train_share, seed, unnest(map_keys(label_free)) AS score,
                   unnest(map_values(label_free)) AS value
            FROM sidecars ORDER BY place
            """);

    private final Connection connection;

    /**
     * What a query found.
     *
     * @param rows values as DuckDB gives them; null where there is none
     */
    public record Table(List<String> columns, List<List<Object>> rows) {}

    private Store(Connection connection) {
        this.connection = connection;
    }

    /**
     * Makes the database of the runs of a plan that are done.
     *
     * @throws CulvertException (data) if none is, or the file cannot be written
     */
    public static Store of(Plan plan) {
        List<Path> sidecars = new ArrayList<>();
        for (PlannedRun run : plan.runs()) {
            if (State.isDone(run)) {
                sidecars.add(run.folder().resolve(Sidecar.FILE));
            }
        }
        if (sidecars.isEmpty()) {
            throw CulvertException.data(
                    "%s: none of its %d runs is done; culvert study run does them", plan.folder(), plan.runs().size());
        }
        Path file = plan.folder().resolve(FILE);
        Path partial = plan.folder().resolve(FILE + "." + UUID.randomUUID() + ".partial");
        try {
            build(partial, sidecars);
            Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return new Store(open(file, true));
        } catch (SQLException e) {
            throw CulvertException.data(e, "%s: DuckDB cannot make it: %s", file, e.getMessage());
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }

    private static Connection open(Path file, boolean readOnly) throws SQLException {
        Properties properties = new Properties();
        if (readOnly) {
            properties.setProperty("duckdb.read_only", "true");
        }
        return DriverManager.getConnection("jdbc:duckdb:" + file, properties);
    }

    private static void build(Path file, List<Path> sidecars) throws SQLException {
        String files = sidecars.stream().map(Store::quoted).collect(Collectors.joining(", ", "[", "]"));
        try (Connection connection = open(file, false);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMP TABLE sidecars AS SELECT list_position(%s, filename) AS place, * FROM read_json(%s, filename = true, format = 'unstructured', %s)"
                    .formatted(files, files, SCHEMA));
            for (String table : TABLES) {
                statement.execute(table);
            }
        }
    }

    private static String quoted(Path path) {
        return "'" + path.toString().replace("'", "''") + "'";
    }

    /**
     * Asks the database; it cannot be changed by this.
     *
     * @throws CulvertException (usage) if the query is wrong, with DuckDB's words
     */
    public Table query(String sql) {
        try (Statement statement = connection.createStatement();
                ResultSet results = statement.executeQuery(sql)) {
            ResultSetMetaData about = results.getMetaData();
            List<String> columns = new ArrayList<>();
            for (int i = 1; i <= about.getColumnCount(); i++) {
                columns.add(about.getColumnLabel(i));
            }
            List<List<Object>> rows = new ArrayList<>();
            while (results.next()) {
                List<Object> row = new ArrayList<>();
                for (int i = 1; i <= columns.size(); i++) {
                    row.add(results.getObject(i));
                }
                rows.add(row);
            }
            return new Table(columns, rows);
        } catch (SQLException e) {
            throw CulvertException.usage("%s", e.getMessage());
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw CulvertException.data(e, "DuckDB cannot close: %s", e.getMessage());
        }
    }
}
