package io.culvert.ranks;

import io.culvert.CulvertException;
import io.culvert.ThisJvm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The same program in several processes of this machine, which train together as its ranks. */
public final class RankProcesses {
    private static final String CHILD = "culvert.rank.child";

    /** What a rank has to end by itself when another has failed. */
    private static final long GRACE_SECONDS = 10;

    private static final long POLL_MILLIS = 100;

    private RankProcesses() {}

    /** Whether this process is one of them: it must end when its parent does, whose end it sees at its own input. */
    public static boolean isOne() {
        return Boolean.getBoolean(CHILD);
    }

    /**
     * Starts them and waits for all.
     *
     * @param main the class to start
     * @param arguments of it, without the number of ranks
     * @return 0, or the exit code of the first that failed; the others have ended then
     * @throws CulvertException (device) if a process cannot be started
     */
    public static int run(int size, Class<?> main, List<String> arguments) {
        List<Process> ranks = new ArrayList<>();
        try {
            int port = freePort();
            for (int rank = 0; rank < size; rank++) {
                ranks.add(start(Launch.local(rank, size, port), main, arguments));
            }
            return await(ranks);
        } catch (IOException e) {
            throw CulvertException.device(e, "cannot start %d processes: %s", size, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the ranks", e);
        } finally {
            ranks.forEach(Process::destroyForcibly);
        }
    }

    private static Process start(Launch launch, Class<?> main, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(ThisJvm.command());
        command.add("-D" + CHILD + "=true");
        command.add(main.getName());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(launch.environment());
        return builder.start();
    }

    private static int await(List<Process> ranks) throws InterruptedException {
        while (ranks.stream().anyMatch(Process::isAlive)) {
            for (Process rank : ranks) {
                if (!rank.isAlive() && rank.exitValue() != 0) {
                    endAll(ranks);
                    return rank.exitValue();
                }
            }
            Thread.sleep(POLL_MILLIS);
        }
        return ranks.stream().mapToInt(Process::exitValue).filter(code -> code != 0).findFirst().orElse(0);
    }

    private static void endAll(List<Process> ranks) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(GRACE_SECONDS);
        for (Process rank : ranks) {
            if (!rank.waitFor(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                rank.destroyForcibly();
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
