package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.train.RunFolder.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
    @TempDir
    Path temp;

    private void assertRefused(Mode mode, String fault) {
        assertThatThrownBy(() -> RunFolder.open(temp.resolve("runs/a"), mode).close())
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.USAGE))
                .hasMessageStartingWith(temp.resolve("runs/a") + ": ")
                .hasMessageContaining(fault);
    }

    @Test
    void refusesAFolderWithContentUnlessToldHow() throws IOException {
        Path folder = temp.resolve("runs/a");
        RunFolder.open(folder, Mode.FRESH).close();
        RunFolder.open(folder, Mode.FRESH).close();
        assertRefused(Mode.RESUME, "no checkpoint.safetensors to resume from");
        Files.writeString(folder.resolve("checkpoint.safetensors"), "c");
        Files.writeString(folder.resolve("notes.txt"), "mine");
        assertRefused(Mode.FRESH, "not empty; use --resume");
        try (RunFolder run = RunFolder.open(folder, Mode.RESUME)) {
            assertThat(run.checkpoint()).hasContent("c");
        }
        try (RunFolder run = RunFolder.open(folder, Mode.OVERWRITE)) {
            assertThat(run.checkpoint()).doesNotExist();
            assertThat(folder.resolve("notes.txt")).hasContent("mine");
        }
    }

    @Test
    void holdsTheFolderUntilClosed() {
        try (RunFolder run = RunFolder.open(temp.resolve("runs/a"), Mode.FRESH)) {
            assertRefused(Mode.FRESH, "another process runs in this folder");
            assertThat(run.path()).isDirectory();
        }
        RunFolder.open(temp.resolve("runs/a"), Mode.FRESH).close();
    }

    @Test
    void aRefusedOpenLetsTheFolderGo() throws IOException {
        Path folder = Files.createDirectories(temp.resolve("runs/a"));
        Files.writeString(folder.resolve("x"), "x");
        assertRefused(Mode.FRESH, "not empty");
        RunFolder.open(folder, Mode.OVERWRITE).close();
    }

    @Test
    void aFileInTheWayIsADataError() throws IOException {
        Files.writeString(temp.resolve("runs"), "a file");
        assertThatThrownBy(() -> RunFolder.open(temp.resolve("runs/a"), Mode.FRESH))
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.DATA));
    }

    @Test
    void writesTheConfigurationThatReadsBack() throws IOException {
        Path yaml = Files.writeString(temp.resolve("a.yaml"), "data: {csv: a, images: b}");
        RunConfig config = RunConfig.load(yaml, List.of("seed=9"));
        try (RunFolder run = RunFolder.open(temp.resolve("runs/a"), Mode.FRESH)) {
            run.writeConfig(config);
            assertThat(RunConfig.load(run.config(), List.of())).isEqualTo(config);
        }
    }
}
