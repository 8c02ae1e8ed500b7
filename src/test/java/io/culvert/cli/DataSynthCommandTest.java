package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DataSynthCommandTest {
    @TempDir
    Path folder;

    private final StringWriter err = new StringWriter();

    private void run(String... args) {
        new CommandLine(new DataSynthCommand())
                .setErr(new PrintWriter(err))
                .setExecutionExceptionHandler((exception, command, parsed) -> {
                    throw exception;
                })
                .execute(args);
    }

    @Test
    void writesAPictureSetAndSaysSo() {
        String out = folder.resolve("set").toString();
        run("--out", out, "--train", "3", "--val", "2", "--size", "64x48", "--format", "png");
        assertThat(folder.resolve("set/valid/00000005.png")).exists();
        assertThat(err.toString()).contains("wrote 5 pictures to " + out).contains("images/s");
    }

    @Test
    void writesAContactSheetAlone() throws Exception {
        Path sheet = folder.resolve("sheet.jpg");
        run("--contact-sheet", sheet.toString(), "--seed", "4");
        assertThat(Files.size(sheet)).isBetween(50_000L, 400_000L);
        assertThat(folder.toFile().list()).containsExactly("sheet.jpg");
    }

    @Test
    void saysWhatIsWrongWithAnOption() {
        assertThat(failure("--out", "x", "--size", "352")).contains("--size").contains("352x288");
        assertThat(failure("--out", "x", "--format", "gif"))
                .contains("--format")
                .contains("gif");
        assertThat(failure()).contains("--out DIR");
    }

    private static String failure(String... args) {
        DataSynthCommand command = CommandLine.populateCommand(new DataSynthCommand(), args);
        CulvertException[] thrown = new CulvertException[1];
        assertThatThrownBy(command::run).isInstanceOfSatisfying(CulvertException.class, e -> thrown[0] = e);
        assertThat(thrown[0].kind()).isEqualTo(CulvertException.Kind.USAGE);
        return thrown[0].getMessage();
    }
}
