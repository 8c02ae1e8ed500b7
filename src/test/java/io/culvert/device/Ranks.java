package io.culvert.device;

import io.culvert.ranks.Launch;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Ranks as threads of one process: to a device it is all the same. */
public final class Ranks {
    /** What one rank does. */
    @FunctionalInterface
    public interface Work<T> {
        T run(Launch launch) throws Exception;
    }

    private Ranks() {}

    /** Runs all ranks at a time; what they return, by rank. The first that throws is what this throws. */
    public static <T> List<T> run(int size, Work<T> work) throws Exception {
        List<T> results = new ArrayList<>();
        for (Future<T> future : start(size, work)) {
            try {
                results.add(future.get());
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception cause ? cause : e;
            }
        }
        return results;
    }

    /** As {@link #run}, and returns at once: what each returns or throws. */
    public static <T> List<Future<T>> start(int size, Work<T> work) {
        int port = freePort();
        try (ExecutorService threads = Executors.newFixedThreadPool(size)) {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int rank = 0; rank < size; rank++) {
                Launch launch = Launch.local(rank, size, port);
                tasks.add(() -> work.run(launch));
            }
            return threads.invokeAll(tasks);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One that nobody listens at. */
    public static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
