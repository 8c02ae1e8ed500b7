package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.safetensors.SafetensorsWriter;
import io.culvert.safetensors.StoredTensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class KernelsCommandTest {
    /** Kernels that are none of the project: what nvcc made of the tests of the interpreter. */
    private static final String PTX = "test/resources/ptx/";

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int execute(String... args) {
        List<String> all = new ArrayList<>(List.of("kernels"));
        all.addAll(List.of(args));
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(all.toArray(new String[0]));
    }

    private Path ptx(String body) throws IOException {
        return Files.writeString(
                folder.resolve("mine.ptx"),
                """
                .version 8.0
                .target sm_80
                .address_size 64
                .visible .entry k(.param .u64 out, .param .f32 by, .param .u32 n)
                {
                    .reg .b32 %r<4>; .reg .f32 %f<3>; .reg .b64 %d<4>; .reg .pred %p<2>;
                    ld.param.u64 %d1, [out];
                    ld.param.f32 %f1, [by];
                    ld.param.u32 %r1, [n];
                    mov.u32 %r2, %tid.x;
                """
                        + body + "\n    ret;\n}\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"list", "run", "profile"})
    void helpTeachesWithAnExample(String command) {
        assertThat(execute(command, "--help")).isZero();
        assertThat(out.toString()).contains("Example", "culvert kernels " + command);
        assertThat(out.toString().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }

    @Test
    void listsTheShippedModules() {
        assertThat(execute("list")).isZero();
        assertThat(out.toString()).contains("augment_blur_bf16", "attention_forward_bf16_d128", "PTX 8.0, sm_80");
    }

    @Test
    void listsParametersRegistersAndSharedMemory() throws IOException {
        assertThat(execute("list", "--json", PTX + "library.ptx")).isZero();
        JsonNode byValue = null;
        for (JsonNode kernel : new ObjectMapper().readTree(out.toString())) {
            byValue = kernel.get("kernel").asText().equals("by_value") ? kernel : byValue;
        }
        assertThat(byValue.at("/parameters/0").toString())
                .isEqualTo("{\"name\":\"by_value_param_0\",\"type\":\"b8\",\"bytes\":40,\"align\":8,\"offset\":0}");
        assertThat(byValue.at("/parameters/1/type").asText()).isEqualTo("u16");
        assertThat(byValue.at("/registers/b64").asInt()).isPositive();
        assertThat(byValue.at("/target").asText()).startsWith("sm_");
    }

    @Test
    void runsAKernelOfAnyFileAndPrints() {
        assertThat(execute(
                        "run", PTX + "basics.ptx", "vector_add", "--grid", "2", "--block", "32", "--print", "0:4,1:2",
                        "buf:f32:40", "iota:f32:40", "values:f32:" + "0.5,".repeat(39) + "0.5", "40"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString())
                .contains("argument 0  buf:f32:40  0.5 1.5 2.5 3.5 ...", "argument 1  iota:f32:40  0.0 1.0 ...");
    }

    @Test
    void printsWhatChangedAndMarksWhatNothingWrote() throws IOException {
        Path mine = ptx("mul.wide.u32 %d2, %r2, 8; add.s64 %d1, %d1, %d2; st.global.f32 [%d1], %f1;");
        assertThat(execute("run", mine.toString(), "k", "--block", "2", "buf:f32:5", "f32:-1.5", "u32:0xff"))
                .isZero();
        assertThat(out.toString()).contains("-1.5 - -1.5 - -").doesNotContain("argument 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "reverse", "shuffled:7"})
    void writesBuffersAndReadsFiles(String order) throws IOException {
        Path values = folder.resolve("in.safetensors");
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsWriter.write(
                    values, Map.of(), List.of(StoredTensor.floats(arena, "x", List.of(3L), 1, -2, 3)));
        }
        Path raw = folder.resolve("raw");
        ByteBuffer floats = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(raw, floats.putFloat(10).putFloat(20).putFloat(30).array());
        Path result = folder.resolve("out");
        assertThat(execute(
                        "run", PTX + "basics.ptx", "vector_add", "--block", "32", "--order", order, "--out",
                        "0=" + result, "zero:f32:3", values + "#x", "file:" + raw + ":f32", "3"))
                .as(err.toString())
                .isZero();
        ByteBuffer sum = ByteBuffer.wrap(Files.readAllBytes(result)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(new float[] {sum.getFloat(), sum.getFloat(), sum.getFloat()}).containsExactly(11, 18, 33);
    }

    @Test
    void passesAStructureByValue() {
        ByteBuffer options = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
        // Its pointer is null: the kernel is given no work.
        options.putLong(0).putInt(0);
        String hex = HexFormat.of().formatHex(options.array());
        assertThat(execute("run", PTX + "library.ptx", "by_value", "--block", "32", "bytes:" + hex, "i16:-3", "4"))
                .as(err.toString())
                .isZero();
        assertThat(execute("run", PTX + "library.ptx", "by_value", "--block", "32", "bytes:00", "1", "4"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("1 bytes, the parameter has 40");
    }

    @Test
    void aFaultIsAReportWithItsOwnExitCode() {
        assertThat(execute(
                        "run", "softmax", "softmax_forward_f32", "--block", "32,8", "buf:f32:73", "rand:f32:74", "2",
                        "37"))
                .isEqualTo(6);
        assertThat(err.toString())
                .startsWith("culvert: kernel fault: OUT_OF_BOUNDS in softmax_forward_f32")
                .contains("past the end of 'argument 0, buf:f32:73' (292 bytes)", "block (0,0,0), thread (4,1,0)")
                .contains("st.global.f32")
                .containsPattern("source  common\\.cuh:\\d+");
    }

    @ParameterizedTest
    @CsvSource({
        "shared_race, SHARED_RACE",
        "some_lanes_skip_a_barrier, DIVERGED_BARRIER",
    })
    void faultsAreNamed(String kernel, String kind) throws IOException {
        String body = kernel.equals("shared_race")
                ? ".shared .b32 s; st.shared.u32 [s], %r2;"
                : "setp.lt.u32 %p1, %r2, 7; @%p1 bar.sync 0;";
        Path mine = ptx(body);
        String[] run = {"run", mine.toString(), "k", "--block", "64", "buf:f32:1", "0", "0"};
        assertThat(execute(run)).isEqualTo(6);
        assertThat(err.toString()).contains("kernel fault: " + kind + " in k", "unknown: compile with nvcc -lineinfo");
        String[] unchecked = {"run", mine.toString(), "k", "--block", "64", "--no-race-check", "buf:f32:1", "0", "0"};
        assertThat(execute(unchecked)).isEqualTo(kind.equals("SHARED_RACE") ? 0 : 6);
    }

    @Test
    void readingWhatNothingWroteIsAFaultUnlessAllowed() throws IOException {
        Path mine = ptx("ld.global.f32 %f1, [%d1];");
        assertThat(execute("run", mine.toString(), "k", "--block", "1", "buf:f32:1", "0", "0")).isEqualTo(6);
        assertThat(err.toString()).contains("UNINITIALISED");
        assertThat(execute(
                        "run", mine.toString(), "k", "--block", "1", "--no-uninitialised-check", "buf:f32:1", "0", "0"))
                .isZero();
    }

    @Test
    void anEndlessLoopEnds() throws IOException {
        Path mine = ptx("again: bra again;");
        assertThat(execute("run", mine.toString(), "k", "--block", "1", "--budget", "1000", "null", "0", "0"))
                .isEqualTo(6);
        assertThat(err.toString()).contains("INSTRUCTION_BUDGET", "--budget");
    }

    @Test
    void ptxThatIsNotSupportedNamesInstructionAndLine() throws IOException {
        Path mine = ptx("tex.2d.v4.f32.f32 {%f1, %f1, %f1, %f1}, [t, {%f1, %f1}];");
        assertThat(execute("run", mine.toString(), "k", "--block", "1", "null", "0", "0")).isEqualTo(2);
        assertThat(err.toString()).contains(mine.toString(), "PTX line 11", "tex.2d").hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "softmx softmax_forward_f32 --block 32 null null 1 1|3|did you mean 'softmax'",
        "missing.ptx k --block 32|3|missing.ptx: no such file",
        "softmax softmax_forward --block 32 null null 1 1|2|did you mean 'softmax_forward_f32'",
        "softmax softmax_forward_f32 --block 32 null null 1|2|takes 4 arguments (u64 u64 u32 u32), got 3",
        "softmax softmax_forward_f32 null null 1 1|2|--block 256",
        "softmax softmax_forward_f32 --block 2048 null null 1 1|2|too wide",
        "softmax softmax_forward_f32 --block 32x8 null null 1 1|2|32,8",
        "softmax softmax_forward_f32 --block 32 null null 0.5 1|2|'0.5' is no u32",
        "softmax softmax_forward_f32 --block 32 null null f32:1 1|2|the parameter is a .u32",
        "softmax softmax_forward_f32 --block 32 null null zero:f32:1 1|2|a .u32, not an address",
        "softmax softmax_forward_f32 --block 32 zero:f31:9 null 1 1|2|'f31' is none of",
        "softmax softmax_forward_f32 --block 32 zero:f32 null 1 1|2|zero:TYPE:COUNT is wanted",
        "softmax softmax_forward_f32 --block 32 some:f32:3 null 1 1|2|neither a number nor one of",
        "softmax softmax_forward_f32 --block 32 null same:0 1 1|2|an earlier argument that is a buffer",
        "softmax softmax_forward_f32 --block 32 --print 2 null null 1 1|2|argument 2 is no buffer",
        "softmax softmax_forward_f32 --block 32 --order random null null 1 1|2|none of forward, reverse",
        "softmax|2|culvert kernels list softmax"
    })
    void userErrorsAreOneLineWithTheRemedy(String line, int code, String says) {
        List<String> args = new ArrayList<>(List.of("run"));
        args.addAll(List.of(line.split(" ")));
        assertThat(execute(args.toArray(new String[0]))).as(err.toString()).isEqualTo(code);
        assertThat(err.toString()).contains(says).hasLineCount(1);
    }

    @Test
    void profileCounts() throws IOException {
        String[] launch = {
            "basics.ptx", "vector_add", "--block", "32", "buf:f32:32", "iota:f32:32", "iota:f32:32", "32"
        };
        List<String> args = new ArrayList<>(List.of("profile", "--json"));
        args.add(PTX + launch[0]);
        args.addAll(List.of(launch).subList(1, launch.length));
        assertThat(execute(args.toArray(new String[0]))).isZero();
        JsonNode counts = new ObjectMapper().readTree(out.toString()).get(0);
        assertThat(counts.get("global_requests").asInt()).isEqualTo(3);
        assertThat(counts.get("global_sectors").asInt()).isEqualTo(12);
        assertThat(counts.get("bytes_read").asInt()).isEqualTo(256);
        assertThat(counts.get("bytes_written").asInt()).isEqualTo(128);
        assertThat(counts.at("/thread_instructions_by_class/fp32").asInt()).isEqualTo(32);
        assertThat(counts.at("/lines/0/source").asText()).startsWith("basics.cu:");
    }

    @Test
    void profileIsReadable() {
        assertThat(execute(
                        "profile", "softmax", "softmax_backward_f32", "--block", "32,8", "buf:f32:74", "rand:f32:74",
                        "rand:f32:74", "2", "37"))
                .isZero();
        assertThat(out.toString()).contains("fp32", "sectors", "bank conflicts", "split a warp", "softmax.cu:");
    }
}
