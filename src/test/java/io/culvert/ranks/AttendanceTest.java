package io.culvert.ranks;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.Ranks;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Execution(ExecutionMode.CONCURRENT)
@Timeout(120)
class AttendanceTest {
    private static final int RANKS = 3;

    /** What a rank does before it waits. */
    @FunctionalInterface
    private interface Steps {
        void run(int rank, Attendance attendance);
    }

    /** What each rank hears of the failure, within a second's patience. */
    private static List<String> failures(Steps steps) throws Exception {
        return Ranks.run(RANKS, launch -> {
            try (Rendezvous meeting = Rendezvous.meet(launch, "", () -> new byte[0]);
                    Attendance attendance = new Attendance(meeting, () -> 1)) {
                steps.run(launch.rank(), attendance);
                return failure(meeting);
            }
        });
    }

    private static String failure(Rendezvous meeting) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (meeting.failure() == null && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
        return meeting.failure();
    }

    @Test
    void whoDoesNotComeIsNamedToAll() throws Exception {
        assertThat(failures((rank, attendance) -> {
                    attendance.begin(7, 0);
                    attendance.end();
                    if (rank != 1) {
                        attendance.begin(7, 1);
                    }
                }))
                .hasSize(RANKS)
                .allSatisfy(why -> assertThat(why).startsWith("rank 1 did not come to step 7, pass 1 within 1 s (")
                        .contains("-Dculvert.ranks.timeout=SECONDS"));
    }

    /** Rank 0 sees that it is itself the one. */
    @Test
    void rank0IsNamedLikeAnyOther() throws Exception {
        assertThat(failures((rank, attendance) -> {
                    attendance.end();
                    if (rank > 0) {
                        attendance.begin(4, 0);
                    }
                }))
                .allSatisfy(why -> assertThat(why).startsWith("rank 0 did not come to step 4 within 1 s"));
    }

    /** One that hangs in the last step is behind those that wait in the next. */
    @Test
    void whoWaitsInTheStepBeforeIsBehind() throws Exception {
        assertThat(failures((rank, attendance) -> attendance.begin(rank == 2 ? 8 : 9, 0)))
                .allSatisfy(why -> assertThat(why).startsWith("rank 2 did not come to step 9 within 1 s"));
    }

    @Test
    void nobodyIsNamedWhereAllCame() throws Exception {
        assertThat(failures((rank, attendance) -> attendance.begin(3, 0)))
                .allSatisfy(why -> assertThat(why).startsWith("all ranks came to step 3, which is not done within 1 s: a GPU hangs"));
    }

    @Test
    void theStartIsWaitedForToo() throws Exception {
        assertThat(failures((rank, attendance) -> {}))
                .allSatisfy(why -> assertThat(why).startsWith("all ranks came to the start, which is not done within 1 s"));
    }

    @Test
    void whatTheDeviceKnowsIsToldAtOnce() throws Exception {
        assertThat(failures((rank, attendance) -> {
                    attendance.end();
                    if (rank == 2) {
                        attendance.faults(() -> "NCCL: a cable is out");
                        attendance.begin(5, 0);
                    }
                }))
                .allSatisfy(why -> assertThat(why).isEqualTo("rank 2 at step 5: NCCL: a cable is out"));
    }

    /** As when its process is stopped: nothing of it runs, and the connection stays. */
    @Test
    void aSilentRank0IsNoticed() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);
        List<String> failures = Ranks.run(2, launch -> {
            try (Rendezvous meeting = Rendezvous.meet(launch, "", () -> new byte[0])) {
                if (launch.rank() == 0) {
                    assertThat(noticed.await(60, TimeUnit.SECONDS)).isTrue();
                    return "";
                }
                try (Attendance attendance = new Attendance(meeting, () -> 1)) {
                    attendance.begin(6, 0);
                    return failure(meeting);
                } finally {
                    noticed.countDown();
                }
            }
        });
        assertThat(failures.getLast())
                .startsWith("rank 0 is silent, and rank 1 has waited for the others at step 6 for more than 1 s");
    }

    @Test
    void aSilentRankIsNamed() throws Exception {
        CountDownLatch listens = new CountDownLatch(1);
        CountDownLatch noticed = new CountDownLatch(1);
        List<String> failures = Ranks.run(2, launch -> {
            try (Rendezvous meeting = Rendezvous.meet(launch, "", () -> new byte[0])) {
                if (launch.rank() == 1) {
                    assertThat(listens.await(60, TimeUnit.SECONDS)).isTrue();
                    meeting.say(Attendance.waitingAt(2, 0));
                    assertThat(noticed.await(60, TimeUnit.SECONDS)).isTrue();
                    return "";
                }
                try (Attendance attendance = new Attendance(meeting, () -> 7)) {
                    listens.countDown();
                    attendance.begin(2, 0);
                    return failure(meeting);
                } finally {
                    noticed.countDown();
                }
            }
        });
        assertThat(failures.getFirst()).startsWith("rank 1 fell silent at step 2, which is not done within 7 s");
    }

    @Test
    void nobodyIsMissedWhereAllCome() throws Exception {
        List<String> failures = Ranks.run(RANKS, launch -> {
            try (Rendezvous meeting = Rendezvous.meet(launch, "", () -> new byte[0]);
                    Attendance attendance = new Attendance(meeting, () -> 1)) {
                for (int step = 0; step < 40; step++) {
                    attendance.begin(step, 0);
                    attendance.end();
                    Thread.sleep(100);
                }
                meeting.leave();
                return String.valueOf(meeting.failure());
            }
        });
        assertThat(failures).containsOnly("null");
    }
}
