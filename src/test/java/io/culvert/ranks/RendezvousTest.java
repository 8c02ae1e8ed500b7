package io.culvert.ranks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.Ranks;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

/** Isolated, because it sets a property that all ranks look at. */
@Isolated
@Timeout(60)
class RendezvousTest {
    @AfterEach
    void clear() {
        System.clearProperty(Rendezvous.TIMEOUT);
    }

    private static String failure(Future<?> rank) throws InterruptedException {
        try {
            rank.get();
            return "";
        } catch (ExecutionException e) {
            assertThat(e.getCause()).isInstanceOf(CulvertException.class);
            return e.getCause().getMessage();
        }
    }

    @Test
    void allGetTheTicketOfRank0() throws Exception {
        List<String> tickets = Ranks.run(3, launch -> {
            try (Rendezvous meeting = Rendezvous.meet(launch, "the same", () -> new byte[] {7, 8, 9})) {
                meeting.leave();
                return Arrays.toString(meeting.ticket());
            }
        });
        assertThat(tickets).containsOnly("[7, 8, 9]");
    }

    @Test
    void anotherConfigurationIsRefusedWithTheLine() throws Exception {
        List<Future<Object>> ranks = Ranks.start(2, launch -> Rendezvous.meet(
                launch, "seed: 1\noptim.lr: " + (launch.rank() == 0 ? "0.1" : "0.2"), () -> new byte[0]));
        for (Future<Object> rank : ranks) {
            assertThat(failure(rank)).contains("rank 1 has 'optim.lr: 0.2' where rank 0 has 'optim.lr: 0.1'");
        }
    }

    @Test
    void anotherNumberOfRanksIsRefused() throws Exception {
        List<Future<Object>> ranks = Ranks.start(2, launch -> Rendezvous.meet(
                launch.rank() == 0 ? launch : new Launch(1, 3, 1, 3, launch.host(), launch.port()), "", () -> new byte[0]));
        for (Future<Object> rank : ranks) {
            assertThat(failure(rank)).contains("rank 1 says there are 3 ranks, rank 0 says 2");
        }
    }

    @Test
    void oneRankTwiceIsRefused() throws Exception {
        List<Future<Object>> ranks = Ranks.start(3, launch -> Rendezvous.meet(
                launch.rank() == 0 ? launch : new Launch(1, 3, 1, 3, launch.host(), launch.port()), "", () -> new byte[0]));
        assertThat(failure(ranks.getFirst())).contains("two processes say that they are rank 1 of 3");
    }

    @Test
    void aMissingRankIsNamed() {
        System.setProperty(Rendezvous.TIMEOUT, "1");
        assertThatThrownBy(() -> Rendezvous.meet(Launch.local(0, 3, Ranks.freePort()), "", () -> new byte[0]))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("only 1 of 3 ranks came")
                .hasMessageContaining("missing: [1, 2]");
    }

    @Test
    void nobodyAtTheAddressIsSaid() {
        System.setProperty(Rendezvous.TIMEOUT, "1");
        assertThatThrownBy(() -> Rendezvous.meet(Launch.local(1, 2, Ranks.freePort()), "", () -> new byte[0]))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("rank 1 found nobody at 127.0.0.1");
    }

    @Test
    void strangersAreSentAway() throws Exception {
        List<byte[]> tickets = Ranks.run(2, launch -> {
            if (launch.rank() == 1) {
                connectAsAStranger(launch);
            }
            try (Rendezvous meeting = Rendezvous.meet(launch, "", () -> new byte[] {1})) {
                meeting.leave();
                return meeting.ticket();
            }
        });
        assertThat(tickets).containsOnly(new byte[] {1});
    }

    private static void connectAsAStranger(Launch launch) throws Exception {
        for (int attempt = 0; attempt < 100; attempt++) {
            try (Socket socket = new Socket(InetAddress.getByName(launch.host()), launch.port())) {
                socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                return;
            } catch (IOException e) {
                Thread.sleep(20);
            }
        }
        throw new IllegalStateException("rank 0 does not listen");
    }

    /** One ends in the middle: the others, which wait for its part of a sum, end with its name and reason. */
    @Test
    void aRankThatFailsEndsTheOthers() throws Exception {
        List<Future<Object>> ranks = Ranks.start(3, launch -> {
            try (CpuDevice device = CpuDevice.open(1, launch, "")) {
                if (launch.rank() == 1) {
                    device.group().abandon(new IllegalStateException("its disk is full"));
                    return null;
                }
                device.group().share(new double[] {1}, 1);
                return null;
            }
        });
        assertThat(failure(ranks.get(0))).contains("rank 1 has failed (its disk is full): so rank 0 of 3 ends as well");
        assertThat(failure(ranks.get(2))).contains("rank 1 has failed (its disk is full): so rank 2 of 3 ends as well");
    }

    @Test
    void aRankThatHangsIsNamed() throws Exception {
        System.setProperty(Rendezvous.TIMEOUT, "1");
        List<Future<Object>> ranks = Ranks.start(2, launch -> {
            try (CpuDevice device = CpuDevice.open(1, launch, "")) {
                if (launch.rank() == 1) {
                    Thread.sleep(3000);
                } else {
                    device.group().share(new double[] {1}, 1);
                }
                return null;
            }
        });
        assertThat(failure(ranks.getFirst())).contains("rank 1 did not come to exchange 2 within 1 s");
    }
}
