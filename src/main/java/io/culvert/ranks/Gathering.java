package io.culvert.ranks;

import io.culvert.CulvertException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** How the processes of a run come together: rank 0 listens, compares what the others say, and gives each the ticket. */
final class Gathering {
    private static final int MAGIC = 0x43756c76;
    private static final int VERSION = 2;
    /** Of one who has connected and says nothing. */
    private static final int SHY_MILLIS = 5_000;

    /** Of what a process says of itself. */
    private static final int LONGEST_BYTES = 1 << 20;

    private static final long RETRY_MILLIS = 50;

    private final Launch launch;
    private final List<Peer> peers = new ArrayList<>();
    private byte[] ticket;

    private Gathering(Launch launch) {
        this.launch = launch;
    }

    /** As {@link Rendezvous#meet}, on whose connections nobody listens yet. */
    static Gathering of(Launch launch, String same, Supplier<byte[]> tickets) {
        Gathering gathering = new Gathering(launch);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Rendezvous.timeout());
        try {
            if (launch.rank() == 0) {
                gathering.gather(same, tickets, deadline);
            } else {
                gathering.join(same, deadline);
            }
        } catch (RuntimeException | Error e) {
            gathering.peers.forEach(Peer::disconnect);
            throw e;
        }
        return gathering;
    }

    /** Who is at the other ends: on rank 0 all others, elsewhere rank 0. */
    List<Peer> peers() {
        return peers;
    }

    /** What rank 0 made for all. */
    byte[] ticket() {
        return ticket.clone();
    }

    private void gather(String same, Supplier<byte[]> tickets, long deadline) {
        try (ServerSocket server = new ServerSocket()) {
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(InetAddress.getByName(launch.host()), launch.port()));
            while (peers.size() < launch.size() - 1) {
                server.setSoTimeout(millisTo(deadline));
                Socket socket = server.accept();
                try {
                    greet(Peer.of(-1, socket), same);
                } catch (IOException e) {
                    // Somebody else's: it spoke another language, or none.
                    socket.close();
                }
            }
            ticket = tickets.get();
            for (Peer peer : peers) {
                peer.out().writeUTF("");
                peer.out().writeInt(ticket.length);
                peer.out().write(ticket);
                peer.out().flush();
            }
        } catch (SocketTimeoutException e) {
            throw CulvertException.device(
                    "within %d s only %d of %d ranks came to %s:%d, missing: %s; start all of them, or train alone with --ranks 1",
                    Rendezvous.timeout(), peers.size() + 1, launch.size(), launch.host(), launch.port(), missing());
        } catch (UnknownHostException e) {
            throw unknownHost();
        } catch (BindException e) {
            throw CulvertException.device(
                    e, "rank 0 cannot wait at %s:%d: %s; MASTER_ADDR must be an address of its machine and MASTER_PORT free there",
                    launch.host(), launch.port(), e.getMessage());
        } catch (IOException e) {
            throw CulvertException.device(e, "rank 0 at %s:%d lost a rank: %s", launch.host(), launch.port(), e.getMessage());
        }
    }

    private List<Integer> missing() {
        List<Integer> missing = new ArrayList<>();
        for (int rank = 1; rank < launch.size(); rank++) {
            if (!isThere(rank)) {
                missing.add(rank);
            }
        }
        return missing;
    }

    private boolean isThere(int rank) {
        return peers.stream().anyMatch(peer -> peer.rank() == rank);
    }

    private void greet(Peer unknown, String same) throws IOException {
        unknown.socket().setSoTimeout(SHY_MILLIS);
        if (unknown.in().readInt() != MAGIC || unknown.in().readInt() != VERSION) {
            throw new IOException("no rank of this version");
        }
        int rank = unknown.in().readInt();
        int size = unknown.in().readInt();
        int length = unknown.in().readInt();
        if (length < 0 || length > LONGEST_BYTES) {
            throw new IOException("says too much");
        }
        String theirs = new String(unknown.in().readNBytes(length), StandardCharsets.UTF_8);
        String refusal = refusal(rank, size, same, theirs);
        if (!refusal.isEmpty()) {
            unknown.out().writeUTF(refusal);
            unknown.out().flush();
            unknown.socket().close();
            tellAll(refusal);
            throw CulvertException.usage("%s", refusal);
        }
        unknown.socket().setSoTimeout(0);
        peers.add(Peer.of(rank, unknown.socket()));
    }

    private String refusal(int rank, int size, String same, String theirs) {
        if (size != launch.size()) {
            return "rank %d says there are %d ranks, rank 0 says %d: give all the same number".formatted(rank, size, launch.size());
        }
        if (rank < 1 || rank >= size || isThere(rank)) {
            return "two processes say that they are rank %d of %d: give each a rank of its own".formatted(rank, size);
        }
        return difference(rank, same.lines().toList(), theirs.lines().toList());
    }

    private static String difference(int rank, List<String> same, List<String> theirs) {
        for (int i = 0; i < Math.max(same.size(), theirs.size()); i++) {
            String ours = i < same.size() ? same.get(i).strip() : "nothing";
            String other = i < theirs.size() ? theirs.get(i).strip() : "nothing";
            if (!ours.equals(other)) {
                return "rank %d has '%s' where rank 0 has '%s': start all ranks with the same configuration".formatted(rank, other, ours);
            }
        }
        return "";
    }

    private void tellAll(String refusal) throws IOException {
        for (Peer peer : peers) {
            peer.out().writeUTF(refusal);
            peer.out().flush();
        }
    }

    private void join(String same, long deadline) {
        try {
            Socket socket = connect(deadline);
            Peer first = Peer.of(0, socket);
            peers.add(first);
            byte[] mine = same.getBytes(StandardCharsets.UTF_8);
            first.out().writeInt(MAGIC);
            first.out().writeInt(VERSION);
            first.out().writeInt(launch.rank());
            first.out().writeInt(launch.size());
            first.out().writeInt(mine.length);
            first.out().write(mine);
            first.out().flush();
            socket.setSoTimeout(millisTo(deadline));
            String refusal = first.in().readUTF();
            if (!refusal.isEmpty()) {
                throw CulvertException.usage("%s", refusal);
            }
            ticket = first.in().readNBytes(first.in().readInt());
            socket.setSoTimeout(0);
        } catch (SocketTimeoutException e) {
            throw CulvertException.device(
                    "rank %d waited %d s at %s:%d and others did not come: look at rank 0's output",
                    launch.rank(), Rendezvous.timeout(), launch.host(), launch.port());
        } catch (UnknownHostException e) {
            throw unknownHost();
        } catch (IOException e) {
            throw CulvertException.device(
                    e, "rank %d lost rank 0 at %s:%d before all were there: look at rank 0's output, and whether the port is its own",
                    launch.rank(), launch.host(), launch.port());
        }
    }

    private Socket connect(long deadline) throws IOException {
        InetAddress host = InetAddress.getByName(launch.host());
        while (true) {
            Socket socket = new Socket();
            try {
                socket.connect(new InetSocketAddress(host, launch.port()), millisTo(deadline));
                return socket;
            } catch (IOException e) {
                socket.close();
                if (System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(RETRY_MILLIS) > deadline) {
                    throw CulvertException.device(
                            e, "rank %d found nobody at %s:%d within %d s: is rank 0 started, and are MASTER_ADDR and MASTER_PORT its own?",
                            launch.rank(), launch.host(), launch.port(), Rendezvous.timeout());
                }
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(RETRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for rank 0", e);
        }
    }

    private static int millisTo(long deadline) {
        return (int) Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
    }

    private CulvertException unknownHost() {
        return CulvertException.usage("MASTER_ADDR=%s: no machine of that name is known here", launch.host());
    }
}
