package io.culvert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    @TempDir
    Path folder;

    @Test
    void replacesTheWholeFile() throws IOException {
        Path file = folder.resolve("a.txt");
        AtomicFile.replace(file, "a long first text");
        AtomicFile.replace(file, "short");
        assertThat(file).hasContent("short");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aFullDiskLeavesTheOldFileWhole() throws IOException {
        Path file = folder.resolve("a.txt");
        AtomicFile.replace(file, "old");
        assertThatThrownBy(() -> AtomicFile.replace(file, channel -> {
                    channel.write(ByteBuffer.wrap(new byte[100]));
                    throw new IOException("No space left on device");
                }))
                .isInstanceOf(CulvertException.class)
                .hasMessage(file + ": cannot write: No space left on device; free some space on this disk");
        assertThat(file).hasContent("old");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aMissingFolderIsADataError() {
        Path file = folder.resolve("none/a.txt");
        assertThatThrownBy(() -> AtomicFile.replace(file, "x"))
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.DATA))
                .hasMessageContaining(file.toString());
    }
}
