package io.culvert.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClaimTest {
    private static final Duration DEAD = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    @Test
    void oneOfManyGetsIt() throws Exception {
        try (ExecutorService many = Executors.newFixedThreadPool(16)) {
            for (int round = 0; round < 50; round++) {
                Path run = folder.resolve("run" + round);
                List<Callable<Optional<Claim>>> tries = new ArrayList<>();
                for (int i = 0; i < 16; i++) {
                    tries.add(() -> Claim.take(run, DEAD));
                }
                int taken = 0;
                for (Future<Optional<Claim>> one : many.invokeAll(tries)) {
                    taken += one.get().isPresent() ? 1 : 0;
                }
                assertThat(taken).isEqualTo(1);
            }
        }
    }

    @Test
    void aReleasedFolderIsFreeAtOnce() {
        Claim first = Claim.take(folder, DEAD).orElseThrow();
        assertThat(Claim.take(folder, DEAD)).isEmpty();
        assertThat(Claim.owner(folder, DEAD).orElseThrow().pid()).isEqualTo(ProcessHandle.current().pid());
        first.close();
        assertThat(Claim.owner(folder, DEAD)).isEmpty();
        assertThat(Claim.take(folder, DEAD).orElseThrow().number()).isEqualTo(2);
    }

    @Test
    void aSilentOwnerIsTakenOverAndSeesIt() throws IOException {
        Claim first = Claim.take(folder, DEAD).orElseThrow();
        assertThat(first.lost()).isFalse();
        Files.setLastModifiedTime(folder.resolve("claim-1"), FileTime.from(Instant.now().minusSeconds(31)));
        Claim second = Claim.take(folder, DEAD).orElseThrow();
        assertThat(first.lost()).isTrue();
        assertThat(second.lost()).isFalse();
        // The old owner wakes up: neither its beat nor its release touches the new claim.
        first.beat();
        first.close();
        assertThat(Claim.take(folder, DEAD)).isEmpty();
    }

    @Test
    void aBeatKeepsItAlive() throws IOException {
        Claim claim = Claim.take(folder, DEAD).orElseThrow();
        Path file = folder.resolve("claim-1");
        String content = Files.readString(file);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(31)));
        claim.beat();
        assertThat(Claim.take(folder, DEAD)).isEmpty();
        assertThat(Files.readString(file)).isEqualTo(content);
    }

    /** On the same machine nobody waits for a process that is gone. */
    @Test
    void anOwnerThatIsGoneIsTakenOverAtOnce() throws Exception {
        assertThat(Claim.take(folder, DEAD)).isPresent();
        Path file = folder.resolve("claim-1");
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        String pid = "\"pid\":" + ProcessHandle.current().pid();
        Files.writeString(file, Files.readString(file).replace(pid, "\"pid\":" + gone.pid()));
        assertThat(Claim.take(folder, DEAD)).isPresent();
    }

    @Test
    void leavesNoOtherFiles() {
        assertThat(Claim.take(folder, DEAD)).isPresent();
        assertThat(Claim.take(folder, DEAD)).isEmpty();
        assertThat(folder.toFile().list()).containsExactly("claim-1");
    }
}
