package io.culvert.study;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Works on a study from this machine: so many runs at a time, in as many processes. Workers on other machines
 * that see the same folder do the same, and each run is claimed by one of them.
 */
public final class Workers {
    private static final Duration POLL = Duration.ofSeconds(1);
    /** A run that is killed from outside again and again is likely too large for the machine. */
    private static final int ATTEMPTS = 3;

    private static final int SIGNALLED = 128;
    private static final int KILLED = SIGNALLED + 9;
    private static final List<Integer> FROM_OUTSIDE = List.of(SIGNALLED + 1, SIGNALLED + 2, KILLED, SIGNALLED + 15);

    /**
     * How to work.
     *
     * @param slots runs at a time
     * @param gpus numbers of the GPUs to share out among the slots; empty: processes see what this one sees
     * @param dead after how long without a sign of life a worker counts as dead
     */
    public record Options(int slots, List<Integer> gpus, Duration dead) {}

    /** What is told while it works; called by one thread at a time. */
    public interface Listener {
        void started(PlannedRun run, boolean resumed);

        void ended(PlannedRun run, End end, Duration after);
    }

    /** How a run ended. */
    public enum End {
        DONE,
        FAILED,
        /** Killed from outside; nothing speaks against trying again. */
        KILLED,
        /** Another worker has taken over. */
        LOST
    }

    private final Plan plan;
    private final Options options;
    private final Listener listener;
    private final Set<String> settled = new HashSet<>();
    private final Map<String, Integer> kills = new HashMap<>();
    private final Set<Claim> held = ConcurrentHashMap.newKeySet();
    private volatile boolean stopping;
    private Throwable fault;

    private record Work(PlannedRun run, Claim claim, boolean resumed) {}

    private Workers(Plan plan, Options options, Listener listener) {
        this.plan = plan;
        this.options = options;
        this.listener = listener;
    }

    /** Works until every run is done or has failed, by whichever machine. */
    public static void run(Plan plan, Options options, Listener listener) throws InterruptedException {
        new Workers(plan, options, listener).run();
    }

    private void run() throws InterruptedException {
        Thread release = new Thread(this::stop);
        Runtime.getRuntime().addShutdownHook(release);
        List<Thread> threads = new ArrayList<>();
        for (int slot = 0; slot < options.slots(); slot++) {
            Map<String, String> environment = environment(slot);
            Thread thread = new Thread(() -> work(environment), "study-" + slot);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Runtime.getRuntime().removeShutdownHook(release);
        switch (fault) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(fault);
        }
    }

    private Map<String, String> environment(int slot) {
        List<Integer> gpus = options.gpus();
        return gpus.isEmpty()
                ? Map.of()
                : Map.of("CUDA_VISIBLE_DEVICES", Integer.toString(gpus.get(slot % gpus.size())));
    }

    /** What was begun is left to others at once; the processes end with this one. */
    private void stop() {
        stopping = true;
        held.forEach(Claim::close);
    }

    private void work(Map<String, String> environment) {
        try (RunnerProcess runner = new RunnerProcess(plan.folder(), environment)) {
            while (!stopping) {
                Optional<Work> next = take();
                if (next.isPresent()) {
                    execute(next.get(), runner);
                } else if (allSettled()) {
                    return;
                } else {
                    Thread.sleep(POLL);
                }
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            synchronized (this) {
                fault = fault == null ? e : fault;
                stopping = true;
            }
        }
    }

    private void execute(Work work, RunnerProcess runner) throws InterruptedException {
        long start = System.nanoTime();
        PlannedRun run = work.run();
        held.add(work.claim());
        End end;
        try {
            synchronized (this) {
                listener.started(run, work.resumed());
            }
            end = end(work, runner.execute(run, work.claim(), options.dead()));
        } finally {
            held.remove(work.claim());
            work.claim().close();
        }
        if (!stopping) {
            synchronized (this) {
                listener.ended(run, end, Duration.ofNanos(System.nanoTime() - start));
            }
        }
    }

    /** What an exit code means; why there is no result is left in the run's folder. */
    private End end(Work work, int exitCode) {
        PlannedRun run = work.run();
        if (work.claim().lost()) {
            return End.LOST;
        }
        if (exitCode == 0 && State.isDone(run)) {
            return End.DONE;
        }
        if (FROM_OUTSIDE.contains(exitCode)) {
            if (stopping || countKill(run) < ATTEMPTS) {
                return End.KILLED;
            }
            String why = "killed from outside %d times, which is what happens when memory runs out".formatted(ATTEMPTS);
            Failure.now(exitCode, why).write(run.folder());
        } else {
            Failure.now(exitCode, RunnerProcess.lastLine(run)).write(run.folder());
        }
        return End.FAILED;
    }

    private synchronized int countKill(PlannedRun run) {
        return kills.merge(run.id(), 1, Integer::sum);
    }

    /** Claims the first run that nobody is at. */
    private synchronized Optional<Work> take() {
        for (PlannedRun run : plan.runs()) {
            if (settled.contains(run.id())) {
                continue;
            }
            State before = State.of(run, options.dead());
            if (before == State.DONE || before == State.FAILED) {
                settled.add(run.id());
            } else if (before != State.RUNNING) {
                Optional<Claim> claim = Claim.take(run.folder(), options.dead());
                // Between the look and the claim another may have done it.
                if (claim.isPresent() && State.isDone(run)) {
                    claim.get().close();
                } else if (claim.isPresent()) {
                    return Optional.of(new Work(run, claim.get(), before == State.INTERRUPTED));
                }
            }
        }
        return Optional.empty();
    }

    private synchronized boolean allSettled() {
        return settled.size() == plan.runs().size();
    }
}
