package io.culvert.study;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Ends this process when it works for nobody: when the parent is gone, which ends its input, and when the run was taken
 * over by another worker.
 */
public final class Lifeline {
    private static final Duration POLL = Duration.ofSeconds(1);
    /** As if by SIGTERM. */
    private static final int ENDED = 143;

    private Lifeline() {}

    /**
     * Watches parent and claim from now on.
     *
     * @param input that the parent holds open
     * @param folder of the run
     * @param claim number of the parent's claim on it
     */
    public static void hold(InputStream input, Path folder, int claim) {
        hold(input);
        Claim held = Claim.of(folder, claim);
        Thread.ofPlatform().daemon().name("claim").start(() -> {
            while (!held.lost()) {
                try {
                    Thread.sleep(POLL);
                } catch (InterruptedException e) {
                    return;
                }
            }
            end("another worker has taken over");
        });
    }

    /** Watches the parent alone. */
    public static void hold(InputStream input) {
        Thread.ofPlatform().daemon().name("parent").start(() -> {
            try {
                while (input.read() >= 0) {
                    // Whatever it says: it lives.
                }
            } catch (IOException e) {
                // As good as the end.
            }
            end("the process that started it is gone");
        });
    }

    private static void end(String why) {
        System.err.println("culvert: ended: " + why);
        // No hook and no handler may keep working in a folder that is another's.
        Runtime.getRuntime().halt(ENDED);
    }
}
