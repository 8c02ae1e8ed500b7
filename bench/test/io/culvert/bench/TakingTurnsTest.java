package io.culvert.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TakingTurnsTest {
    private static final List<String> BROKEN = List.of("sh", "-c", "echo ready; read line; echo no memory");

    @TempDir
    Path folder;

    @Test
    void eachSideStepsOnceATurnAfterAllAreReady() throws Exception {
        Path log = folder.resolve("log");
        Map<String, List<String>> sides = new LinkedHashMap<>();
        sides.put("one", player("one", "1", log));
        sides.put("two", player("two", "2", log));
        List<Measurement> measured = new TakingTurns("a,case", sides, 3).run();
        assertThat(Files.readAllLines(log))
                .containsExactly("one ready", "two ready", "one", "two", "one", "two", "one", "two");
        assertThat(measured).extracting(Measurement::side).containsExactly("one", "two");
        assertThat(measured.get(1).seconds()).containsExactly(2.0, 2.0, 2.0);
        assertThat(measured.get(1).peakMebibytes()).isEqualTo(7);
        assertThat(measured.get(1).first().seconds()).isEqualTo(9);
        assertThat(measured.get(1).heapBytes()).isNaN();
    }

    @Test
    void ourOwnSideThatEndsIsAnErrorWithItsLastWords() {
        Map<String, List<String>> sides = Map.of(Table.CULVERT, BROKEN);
        assertThatThrownBy(() -> new TakingTurns("a,case", sides, 3).run())
                .isInstanceOf(CulvertException.class)
                .hasMessage("culvert ended: no memory");
    }

    @Test
    void aPeerThatEndsIsLeftOut() throws Exception {
        Path log = folder.resolve("log");
        Map<String, List<String>> sides = new LinkedHashMap<>();
        sides.put(Table.CULVERT, player("one", "1", log));
        sides.put("in a step", BROKEN);
        sides.put("at once", List.of("sh", "-c", "exit 1"));
        assertThat(new TakingTurns("a,case", sides, 3).run())
                .singleElement()
                .satisfies(measured -> assertThat(measured.seconds()).hasSize(3));
        assertThat(Files.readAllLines(log)).containsExactly("one ready", "one", "one", "one");
    }

    private static List<String> player(String name, String seconds, Path log) {
        String script = "echo a warning; echo %1$s ready >> %3$s; echo ready; while read line; do echo %1$s >> %3$s; "
                + "echo '{\"seconds\": %2$s, \"first_s\": 9, \"peak_rss_mb\": 7}'; done";
        return List.of("sh", "-c", script.formatted(name, seconds, log));
    }
}
