package io.culvert.study;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Ends this process when it works for nobody: when the parent is gone, which ends its input, and when the run was taken
 * over by another worker.
 */
public final class Lifeline {
    private static final Duration POLL = Duration.ofSeconds(1);
    /** As if by SIGTERM. */
    static final int ENDED = 143;

    private Lifeline() {}

    /**
     * Watches the parent from now on.
     *
     * @param input that the parent holds open
     * @return the lines it writes
     */
    public static BlockingQueue<String> hold(InputStream input) {
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        Thread.ofPlatform().daemon().name("parent").start(() -> {
            try (BufferedReader reader = new BufferedReader(new InputStreamReader(input, StandardCharsets.UTF_8))) {
                reader.lines().forEach(lines::add);
            } catch (IOException | UncheckedIOException e) {
                // As good as the end.
            }
            end("the process that started it is gone");
        });
        return lines;
    }

    /** Ends this process when another worker takes the run over, until this is closed. */
    static final class Watch implements AutoCloseable {
        private final Thread thread;

        /**
         * Begins.
         *
         * @param claim the parent's, on the run
         */
        Watch(Claim claim) {
            thread = Thread.ofPlatform().daemon().name("claim").start(() -> {
                while (!claim.lost()) {
                    try {
                        Thread.sleep(POLL);
                    } catch (InterruptedException e) {
                        return;
                    }
                }
                end("another worker has taken over");
            });
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }

    private static void end(String why) {
        System.err.println("culvert: ended: " + why);
        // No hook and no handler may keep working in a folder that is another's.
        Runtime.getRuntime().halt(ENDED);
    }
}
