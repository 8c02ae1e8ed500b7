package io.culvert.device.cpu;

import static java.util.Comparator.naturalOrder;
import static java.util.Comparator.reverseOrder;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkersTest {
    @ParameterizedTest
    @CsvSource({"1, 100, 7", "2, 1, 1", "2, 3, 8", "2, 6304, 64", "3, 1000, 16", "5, 7, 1", "4, 2000000000, 1000000"})
    void everythingIsDoneOnceInPiecesThatAreTheSameEachTime(int threads, int count, int grain) {
        try (Workers workers = new Workers(threads)) {
            Map<Integer, String> first = pieces(workers, count, grain);
            for (int i = 0; i < 20; i++) {
                assertThat(pieces(workers, count, grain)).isEqualTo(first);
            }
            assertThat(first.keySet()).allMatch(piece -> piece >= 0 && piece < workers.pieces());
        }
    }

    private static Map<Integer, String> pieces(Workers workers, int count, int grain) {
        Map<Integer, String> pieces = new ConcurrentHashMap<>();
        AtomicIntegerArray done = new AtomicIntegerArray(Math.ceilDiv(count, grain));
        workers.run(count, grain, (worker, piece, from, to) -> {
            assertThat(pieces.put(piece, from + " to " + to)).isNull();
            assertThat(from % grain).isZero();
            assertThat(to == count || to % grain == 0).isTrue();
            for (int chunk = from / grain; (long) chunk * grain < to; chunk++) {
                done.incrementAndGet(chunk);
            }
        });
        for (int i = 0; i < done.length(); i++) {
            assertThat(done.get(i)).isEqualTo(1);
        }
        return pieces;
    }

    /** One of two stays in its first piece until all the rest is done, which the other must do, the share of the first too. */
    @Test
    void whoIsEarlyTakesFromOthers() {
        try (Workers workers = new Workers(2)) {
            CountDownLatch rest = new CountDownLatch(workers.pieces() - 1);
            AtomicBoolean late = new AtomicBoolean();
            AtomicBoolean waited = new AtomicBoolean();
            workers.run(1000, 1, (worker, piece, from, to) -> {
                if (late.compareAndSet(false, true)) {
                    waited.set(await(rest));
                } else {
                    rest.countDown();
                }
            });
            assertThat(waited).isTrue();
        }
    }

    /** What the one before touched last, the next begins with. */
    @Test
    void everyOtherTimeAShareIsGoneThroughFromItsEnd() {
        try (Workers workers = new Workers(2)) {
            List<Integer> one = piecesOfAShare(workers);
            List<Integer> next = piecesOfAShare(workers);
            assertThat(List.of(one.getFirst() < one.getLast(), next.getFirst() < next.getLast()))
                    .containsExactlyInAnyOrder(true, false);
            assertThat(one).isSortedAccordingTo(one.getFirst() < one.getLast() ? naturalOrder() : reverseOrder());
            assertThat(next).isSortedAccordingTo(next.getFirst() < next.getLast() ? naturalOrder() : reverseOrder());
        }
    }

    /** Where those begin that one worker does of its share, in their order, while the other stays in its first. */
    private static List<Integer> piecesOfAShare(Workers workers) {
        CountDownLatch rest = new CountDownLatch(workers.pieces() - 1);
        AtomicBoolean late = new AtomicBoolean();
        List<Integer> starts = new CopyOnWriteArrayList<>();
        workers.run(1000, 1, (worker, piece, from, to) -> {
            if (late.compareAndSet(false, true)) {
                await(rest);
            } else {
                starts.add(from);
                rest.countDown();
            }
        });
        return starts.subList(0, workers.pieces() / workers.threads());
    }

    @ParameterizedTest
    @CsvSource({"1, 10, 3", "2, 10, 3", "2, 2, 8", "3, 100, 1", "3, 0, 1"})
    void whatGoesFirstIsDoneOncePerShare(int threads, int count, int grain) {
        try (Workers workers = new Workers(threads)) {
            for (int i = 0; i < 20; i++) {
                AtomicIntegerArray first = new AtomicIntegerArray(threads);
                AtomicIntegerArray done = new AtomicIntegerArray(Math.max(1, count));
                workers.run(
                        (worker, from, to) -> {
                            for (int share = from; share < to; share++) {
                                first.incrementAndGet(share);
                            }
                        },
                        count,
                        grain,
                        (worker, piece, from, to) -> {
                            for (int at = from; at < to; at++) {
                                done.incrementAndGet(at);
                            }
                        });
                for (int share = 0; share < threads; share++) {
                    assertThat(first.get(share)).isEqualTo(1);
                }
                for (int at = 0; at < count; at++) {
                    assertThat(done.get(at)).isEqualTo(1);
                }
            }
        }
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whatATaskThrowsReachesTheCaller() {
        try (Workers workers = new Workers(3)) {
            assertThatThrownBy(() -> workers.run(300, 1, (worker, from, to) -> {
                        if (from == 100) {
                            throw new IllegalArgumentException("planted");
                        }
                    }))
                    .hasStackTraceContaining("planted");
            AtomicIntegerArray done = new AtomicIntegerArray(300);
            workers.run(300, 1, (worker, from, to) -> {
                for (int i = from; i < to; i++) {
                    done.incrementAndGet(i);
                }
            });
            assertThat(done.get(150)).isEqualTo(1);
        }
    }
}
