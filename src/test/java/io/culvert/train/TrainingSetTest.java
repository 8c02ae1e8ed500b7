package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.DefectCode;
import io.culvert.data.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingSetTest {
    private static final String BY_PIPE = "data.group_by=(p\\d+)_";

    @TempDir
    Path folder;

    /** 40 pipes of 5 frames; every second pipe is cracked, in its last two frames. */
    @BeforeEach
    void write() throws IOException {
        write("train.csv", 0, 40);
        write("val.csv", 40, 44);
        write("leaky.csv", 36, 44);
    }

    private void write(String name, int from, int to) throws IOException {
        StringBuilder csv = new StringBuilder("Filename,");
        csv.append(Arrays.stream(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","))).append('\n');
        for (int pipe = from; pipe < to; pipe++) {
            for (int frame = 0; frame < 5; frame++) {
                csv.append("p%03d_%d.jpg,".formatted(pipe, frame));
                csv.append(pipe % 2 == 1 && frame > 2 ? "1" : "0").append(",0".repeat(16)).append('\n');
            }
        }
        Files.writeString(folder.resolve(name), csv);
    }

    private Dataset draw(String... overrides) {
        List<String> keys = List.of("name=run", "data.csv=" + folder.resolve("train.csv"), "data.images=" + folder);
        List<String> all = Stream.concat(keys.stream(), Stream.of(overrides)).toList();
        return Run.trainingData(RunConfig.parse(folder.resolve("run.yaml"), "", all));
    }

    private static Map<String, Integer> pipes(Dataset dataset) {
        Map<String, Integer> pipes = new HashMap<>();
        dataset.samples().forEach(sample -> pipes.merge(sample.file().substring(0, 4), 1, Integer::sum));
        return pipes;
    }

    @Test
    void theSampleComesBeforeTheShareAndTheLimitAfter() {
        assertThat(draw().size()).isEqualTo(200);
        Dataset half = draw("data.sample_share=0.5");
        assertThat(half.size()).isEqualTo(100);
        assertThat(half.defectCount()).isEqualTo(20);
        Dataset tenth = draw("data.sample_share=0.5", "data.defect_share=0.1");
        // 80 normal images are 90 %.
        assertThat(tenth.size()).isEqualTo(80);
        assertThat(tenth.defectCount()).isEqualTo(8);
        assertThat(half.samples()).containsAll(tenth.samples());
        Dataset limited = draw("data.sample_share=0.5", "data.defect_share=0.1", "data.limit=40");
        assertThat(limited.size()).isEqualTo(40);
        assertThat(limited.defectCount()).isEqualTo(4);
        assertThat(tenth.samples()).containsAll(limited.samples());
        assertThat(draw("data.sample_share=0.5", "seed=43").samples()).isNotEqualTo(half.samples());
    }

    @Test
    void aFixedSizeHoldsAtEveryShare() {
        for (double share : new double[] {0.25, 0.1, 0.05}) {
            Dataset drawn = draw("data.sampling=fixed_size", "data.size=120", "data.defect_share=" + share);
            assertThat(drawn.size()).isEqualTo(120);
            assertThat(drawn.defectCount()).isEqualTo((int) Math.round(120 * share));
        }
        fails(CulvertException.Kind.DATA, "take a set of at most 80", "data.sampling=fixed_size", "data.size=120",
                "data.defect_share=0.5");
        fails(CulvertException.Kind.USAGE, "set data.size", "data.sampling=fixed_size", "data.defect_share=0.5");
        fails(CulvertException.Kind.USAGE, "set data.defect_share", "data.sampling=fixed_size", "data.size=9");
        fails(CulvertException.Kind.USAGE, "data.size is for data.sampling=fixed_size", "data.size=9");
        fails(CulvertException.Kind.USAGE, "data.sampling: unknown 'even'", "data.sampling=even");
    }

    @Test
    void sampleAndLimitTakeWholePipes() {
        Dataset half = draw(BY_PIPE, "data.sample_share=0.5");
        assertThat(half.size()).isEqualTo(100);
        assertThat(half.defectCount()).isEqualTo(20);
        assertThat(pipes(half)).hasSize(20);
        assertThat(Set.copyOf(pipes(half).values())).containsExactly(5);
        Dataset limited = draw(BY_PIPE, "data.limit=54");
        assertThat(limited.size()).isEqualTo(50);
        assertThat(Set.copyOf(pipes(limited).values())).containsExactly(5);
        fails(CulvertException.Kind.DATA, "40 groups of 200 images", BY_PIPE, "data.limit=2");
        // Within a pipe, defects are thinned.
        assertThat(draw(BY_PIPE, "data.defect_share=0.1").size()).isEqualTo(170);
    }

    @Test
    void aPipeInBothSetsIsAnError() {
        String val = "data.val_csv=" + folder.resolve("val.csv");
        String leaky = "data.val_csv=" + folder.resolve("leaky.csv");
        assertThat(draw(BY_PIPE, val).size()).isEqualTo(200);
        fails(CulvertException.Kind.DATA, "4 of the groups of data.group_by", BY_PIPE, leaky);
        fails(CulvertException.Kind.DATA, "(p036, p037, p038, ...)", BY_PIPE, leaky);
        assertThat(draw(BY_PIPE, leaky, "data.allow_shared_groups=true").size()).isEqualTo(200);
        assertThat(draw(leaky).size()).isEqualTo(200);
    }

    @Test
    void aPatternThatFindsNothingIsAnError() {
        fails(CulvertException.Kind.DATA, "'(v\\d+)' finds no group in the name p000_0.jpg", "data.group_by=(v\\d+)",
                "data.limit=50");
        fails(CulvertException.Kind.USAGE, "has no group", "data.group_by=p", "data.limit=50");
        fails(CulvertException.Kind.USAGE, "is no regular expression", "data.group_by=(p", "data.limit=50");
    }

    private void fails(CulvertException.Kind kind, String say, String... overrides) {
        assertThatThrownBy(() -> draw(overrides))
                .isInstanceOfSatisfying(CulvertException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContaining(say);
    }

    @Test
    void samplesKeepTheirOrder() {
        List<String> names = draw("data.defect_share=0.1").samples().stream().map(Sample::file).toList();
        assertThat(names).isSorted();
    }
}
