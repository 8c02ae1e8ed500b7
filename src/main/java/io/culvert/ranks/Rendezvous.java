package io.culvert.ranks;

import io.culvert.CulvertException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Where the processes of a run meet: all connect to rank 0, which compares what they say and gives each the same ticket, with
 * which the devices then find each other. The connections stay: one that breaks tells the others that a process is gone, and
 * what devices do not exchange goes through them.
 */
public final class Rendezvous implements AutoCloseable {
    /** The property of how many seconds the others may take. */
    public static final String TIMEOUT = "culvert.ranks.timeout";

    private static final int DEFAULT_TIMEOUT = 600;
    private static final long POLL_MILLIS = 100;
    /** Messages once all are there. */
    private static final int LEAVES = 0;

    private static final int FAILS = 1;
    private static final int PARCEL = 2;
    private static final int PLACE = 3;

    private final Launch launch;
    private final List<Peer> peers;
    private final byte[] ticket;
    private boolean left;
    private volatile String failure;
    private volatile Runnable alarm = () -> {};
    private volatile Places places = (rank, place) -> {};

    /** Who wants to know where the others are. */
    @FunctionalInterface
    interface Places {
        /** @param place what the process of that rank gave to {@link #say} */
        void note(int rank, long place);
    }

    private Rendezvous(Launch launch, Gathering gathering) {
        this.launch = launch;
        peers = gathering.peers();
        ticket = gathering.ticket();
    }

    /** Seconds that a process waits for the others before it gives up. */
    public static int timeout() {
        return Integer.getInteger(TIMEOUT, DEFAULT_TIMEOUT);
    }

    /**
     * Waits until all are there.
     *
     * @param same what all processes must agree in, a line each, such as the lines of a configuration
     * @param tickets makes on rank 0 what all get
     * @throws CulvertException (usage) if one disagrees; (device) if one does not come
     */
    public static Rendezvous meet(Launch launch, String same, Supplier<byte[]> tickets) {
        Rendezvous meeting = new Rendezvous(launch, Gathering.of(launch, same, tickets));
        for (Peer peer : meeting.peers) {
            Thread.ofPlatform().daemon().name("rank-" + peer.rank()).start(() -> meeting.listen(peer));
        }
        return meeting;
    }

    public Launch launch() {
        return launch;
    }

    /** What rank 0 made for all. */
    public byte[] ticket() {
        return ticket.clone();
    }

    /** What happened to another process; null as long as none failed. */
    public String failure() {
        return failure;
    }

    /** What to do at once when another process fails, on a thread of its own, for who cannot look at {@link #failure}. */
    public void onFailure(Runnable newAlarm) {
        alarm = newAlarm;
        if (failure != null) {
            newAlarm.run();
        }
    }

    /** Who hears from now on what the others {@link #say}. */
    void onPlace(Places newPlaces) {
        places = newPlaces;
    }

    private void listen(Peer peer) {
        try {
            int message = peer.in().readUnsignedByte();
            while (message == PARCEL || message == PLACE) {
                if (message == PARCEL) {
                    peer.receive();
                } else {
                    places.note(peer.rank(), peer.in().readLong());
                }
                message = peer.in().readUnsignedByte();
            }
            if (message == FAILS) {
                fail(peer, peer.in().readUTF());
            }
        } catch (EOFException e) {
            fail(peer, "rank " + peer.rank() + " is gone without a word");
        } catch (IOException e) {
            fail(peer, "rank " + peer.rank() + " is gone (" + e.getMessage() + ")");
        }
    }

    /** Ends the run on all ranks. */
    void fail(String why) {
        fail(null, why);
    }

    private void fail(Peer from, String why) {
        synchronized (this) {
            if (failure != null || left) {
                return;
            }
            failure = why;
            tell(FAILS, why, from);
        }
        alarm.run();
    }

    /** Tells the others that this process cannot go on, so that they do not wait for it. */
    public synchronized void abandon(String why) {
        if (failure == null && !left) {
            failure = "this process fails itself";
            tell(FAILS, "rank " + launch.rank() + " has failed (" + why + ")", null);
        }
    }

    /** Tells the others that this process has done its part: from now on it may end. */
    public synchronized void leave() {
        if (failure == null && !left) {
            left = true;
            tell(LEAVES, null, null);
        }
    }

    /** Tells the processes that this one is connected to where it is. */
    synchronized void say(long place) {
        if (failure != null || left) {
            return;
        }
        for (Peer peer : peers) {
            try {
                peer.say(PLACE, place);
            } catch (IOException e) {
                // Whoever listens has noticed.
            }
        }
    }

    private void tell(int message, String text, Peer but) {
        for (Peer peer : peers) {
            if (Objects.equals(peer, but)) {
                continue;
            }
            try {
                peer.say(message, text);
            } catch (IOException e) {
                // Who is gone need not be told.
            }
        }
    }

    /**
     * Hands bytes to another process, which {@link #take}s them; those of one come in their order.
     *
     * @param rank any for rank 0, 0 for the others
     * @throws CulvertException (device) if it is gone
     */
    public void hand(int rank, MemorySegment parcel) {
        try {
            peer(rank).hand(PARCEL, parcel);
        } catch (IOException e) {
            throw CulvertException.device(
                    e, "rank %d is gone (%s): so %s ends as well", rank, e.getMessage(), launch.describe());
        }
    }

    /**
     * Waits for what another process hands over.
     *
     * @param rank any for rank 0, 0 for the others
     * @throws CulvertException (device) if a process fails meanwhile, or nothing comes
     */
    public MemorySegment take(int rank) {
        Peer peer = peer(rank);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeout());
        try {
            while (true) {
                MemorySegment parcel = peer.parcels().poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (parcel != null) {
                    return parcel;
                }
                if (failure != null) {
                    throw CulvertException.device("%s: so %s ends as well", failure, launch.describe());
                }
                if (System.nanoTime() > deadline) {
                    throw CulvertException.device(
                            "rank %d handed nothing over within %d s, so %s ends: look at its output", rank, timeout(),
                            launch.describe());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for rank " + rank, e);
        }
    }

    private Peer peer(int rank) {
        return peers.stream()
                .filter(peer -> peer.rank() == rank)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "%s has no connection to rank %d".formatted(launch.describe(), rank)));
    }

    /** One that did not {@link #leave} before is missed by the others. */
    @Override
    public void close() {
        abandon("it ended early");
        peers.forEach(Peer::disconnect);
    }
}
