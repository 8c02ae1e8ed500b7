package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Shuffles, votes, matches and reductions against loops over the 32 lanes. */
class WarpInstructionsTest {
    private static final long[] VALUES =
            new SplittableRandom(1).longs(32, 0, 1L << 32).toArray();
    private static final long[] SMALL = new SplittableRandom(2).longs(32, -4, 5).toArray();

    private static long[] run(String body, long[] a, long[] b) {
        return Snippet.run(body, a, b, new long[32]);
    }

    private static long[] same(long value) {
        return LongStream.generate(() -> value).limit(32).toArray();
    }

    /** What CUDA's __shfl functions are documented to do in segments of {@code width} lanes. */
    private static int source(String mode, int lane, int delta, int width) {
        int start = lane / width * width;
        int from = switch (mode) {
            case "up" -> lane - delta;
            case "down" -> lane + delta;
            case "bfly" -> lane ^ delta;
            default -> start + delta % width;
        };
        // A butterfly may read segments before its own, not those after it.
        boolean inside = mode.equals("bfly") ? from < start + width : from >= start && from < start + width;
        return inside ? from : -1;
    }

    @Test
    void shufflesInSegments() {
        for (String mode : new String[] {"up", "down", "bfly", "idx"}) {
            for (int width : new int[] {32, 16, 4, 1}) {
                for (int delta : new int[] {0, 1, 3, 8, 31}) {
                    int clamp = 32 - width << 8 | (mode.equals("up") ? 0 : 31);
                    String shuffle = "shfl.sync.%s.b32 %%r|%%q0, %%ra, %d, %d, -1;".formatted(mode, delta, clamp);
                    long[] values = run(shuffle, VALUES, VALUES);
                    long[] valid = run(shuffle + " selp.u32 %r, 1, 0, %q0;", VALUES, VALUES);
                    for (int lane = 0; lane < 32; lane++) {
                        int from = source(mode, lane, delta, width);
                        assertThat(values[lane]).as(shuffle).isEqualTo(VALUES[from < 0 ? lane : from]);
                        assertThat(valid[lane]).as(shuffle).isEqualTo(from < 0 ? 0 : 1);
                    }
                }
            }
        }
    }

    @Test
    void aShuffleMustHaveItsMembers() {
        assertThatThrownBy(() ->
                        run("setp.lt.u32 %q0, %hi, 7; @%q0 shfl.sync.idx.b32 %r, %ra, 0, 31, -1;", VALUES, VALUES))
                .hasMessageContaining("DIVERGED_WARP")
                .hasMessageContaining("thread (7,0,0)");
        long[] some = run(
                "mov.b32 %r, 9; setp.lt.u32 %q0, %hi, 8; @%q0 shfl.sync.idx.b32 %r, %ra, 3, 31, 255;", VALUES, VALUES);
        assertThat(some[5]).isEqualTo(VALUES[3]);
        assertThat(some[8]).isEqualTo(9);
    }

    @Test
    void votes() {
        long ballot = 0;
        for (int lane = 0; lane < 32; lane++) {
            ballot |= SMALL[lane] > 0 ? 1L << lane : 0;
        }
        String test = "setp.gt.s32 %q0, %ra, 0; ";
        assertThat(run(test + "vote.sync.ballot.b32 %r, %q0, -1;", SMALL, SMALL))
                .containsOnly(ballot);
        assertThat(run(test + "vote.sync.ballot.b32 %r, !%q0, -1;", SMALL, SMALL))
                .containsOnly(~ballot & 0xffffffffL);
        assertThat(run(test + "vote.sync.any.pred %p, %q0, -1;", SMALL, SMALL)).containsOnly(1L);
        assertThat(run(test + "vote.sync.all.pred %p, %q0, -1;", SMALL, SMALL)).containsOnly(0L);
        assertThat(run(test + "vote.sync.uni.pred %p, %q0, -1;", same(2), SMALL))
                .containsOnly(1L);
        assertThat(run("setp.lt.u32 %q1, %hi, 5; mov.b32 %r, 0; @%q1 activemask.b32 %r;", SMALL, SMALL))
                .startsWith(31, 31, 31, 31, 31, 0);
    }

    @Test
    void matchesAndReductions() {
        long[] any = run("match.any.sync.b32 %r, %ra, -1;", SMALL, SMALL);
        long[] wide = run("match.any.sync.b64 %r, %da, -1;", SMALL, SMALL);
        for (int lane = 0; lane < 32; lane++) {
            long equal = 0;
            for (int other = 0; other < 32; other++) {
                equal |= SMALL[other] == SMALL[lane] ? 1L << other : 0;
            }
            assertThat(any[lane]).isEqualTo(equal);
            assertThat(wide[lane]).isEqualTo(equal);
        }
        assertThat(run("match.all.sync.b32 %r|%q0, %ra, -1;", same(3), SMALL)).containsOnly(0xffffffffL);
        assertThat(run("match.all.sync.b32 %r|%q0, %ra, -1;", SMALL, SMALL)).containsOnly(0L);
        assertThat(run("redux.sync.add.s32 %r, %ra, -1;", SMALL, SMALL))
                .containsOnly(LongStream.of(SMALL).sum() & 0xffffffffL);
        assertThat(run("redux.sync.min.s32 %r, %ra, -1;", SMALL, SMALL)).containsOnly(-4L & 0xffffffffL);
        assertThat(run("redux.sync.max.u32 %r, %ra, -1;", SMALL, SMALL)).containsOnly(0xffffffffL);
        assertThat(run("redux.sync.xor.b32 %r, %ra, -1;", VALUES, SMALL))
                .containsOnly(LongStream.of(VALUES).reduce(0, (x, y) -> x ^ y));
    }

    @Test
    void specialRegisters() {
        for (String name : new String[] {"eq", "le", "lt", "ge", "gt"}) {
            long[] masks = run("mov.u32 %r, %lanemask_" + name + ";", SMALL, SMALL);
            for (int lane = 0; lane < 32; lane++) {
                long expected = 0;
                for (int other = 0; other < 32; other++) {
                    int order = Integer.compare(other, lane);
                    boolean in = order == 0
                            ? !name.endsWith("t")
                            : (order < 0) == name.startsWith("l") && !name.equals("eq");
                    expected |= in ? 1L << other : 0;
                }
                assertThat(masks[lane]).as(name).isEqualTo(expected);
            }
        }
    }
}
