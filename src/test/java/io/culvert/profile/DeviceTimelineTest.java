package io.culvert.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class DeviceTimelineTest {
    private static final int COMPUTING = 7;
    private static final int OTHER = 8;

    private static DeviceTimer.Work work(int interval, int stream, long begin, long end) {
        return new DeviceTimer.Work("kernel", interval, stream, begin, end);
    }

    private static long[] nanos(DeviceTimeline line, int count) {
        return IntStream.range(0, count).mapToLong(line::nanos).toArray();
    }

    private static long[] idle(DeviceTimeline line, int count) {
        return IntStream.range(0, count).mapToLong(line::idle).toArray();
    }

    @Test
    void aHostThatIsAheadLeavesEachIntervalItsKernelsAndThePausesBetweenThem() {
        DeviceTimeline line = new DeviceTimeline(
                new long[] {10, 20},
                List.of(work(1, COMPUTING, 130, 200), work(0, COMPUTING, 15, 60), work(0, COMPUTING, 62, 120)), COMPUTING);
        assertThat(nanos(line, 2)).containsExactly(120, 80);
        assertThat(idle(line, 2)).containsExactly(15 + 2, 10);
    }

    @Test
    void anIntervalLastsUntilTheHostHasMadeItsMark() {
        DeviceTimeline line = new DeviceTimeline(new long[] {50, 90}, List.of(work(0, COMPUTING, 10, 20)), COMPUTING);
        assertThat(nanos(line, 2)).containsExactly(50, 40);
        assertThat(idle(line, 2)).containsExactly(40, 40);
    }

    @Test
    void anotherStreamsWorkEndsNoIntervalButTheDeviceIsNotIdleMeanwhile() {
        DeviceTimeline line = new DeviceTimeline(
                new long[] {10, 20, 30},
                List.of(
                        work(0, COMPUTING, 0, 10), work(0, OTHER, 5, 500), work(1, COMPUTING, 40, 60),
                        work(2, COMPUTING, 100, 700)),
                COMPUTING);
        assertThat(nanos(line, 3)).containsExactly(10, 50, 640);
        assertThat(idle(line, 3)).containsExactly(0, 0, 0);
    }

    @Test
    void workOfNoKnownIntervalCountsWhereItRan() {
        DeviceTimeline line = new DeviceTimeline(
                new long[] {100, 200}, List.of(work(-1, COMPUTING, -5, 30), work(-1, OTHER, 90, 110)), COMPUTING);
        assertThat(nanos(line, 2)).containsExactly(100, 100);
        assertThat(idle(line, 2)).containsExactly(60, 90);
    }

    /** Whatever the records say: intervals add up to the whole, and what runs to what the device was not idle in. */
    @Test
    void leavesNoTimeOut() {
        SplittableRandom random = new SplittableRandom(3);
        for (int round = 0; round < 200; round++) {
            int count = random.nextInt(1, 20);
            long[] marks = random.longs(count, 0, 1000).sorted().toArray();
            List<DeviceTimer.Work> all = IntStream.range(0, random.nextInt(40))
                    .mapToObj(i -> {
                        long begin = random.nextLong(1500);
                        return work(
                                random.nextInt(-1, count), random.nextBoolean() ? COMPUTING : OTHER, begin,
                                begin + random.nextLong(1, 200));
                    })
                    .toList();
            DeviceTimeline line = new DeviceTimeline(marks, all, COMPUTING);
            long end = LongStream.concat(
                            LongStream.of(marks),
                            all.stream()
                                    .filter(work -> work.stream() == COMPUTING && work.interval() >= 0)
                                    .mapToLong(DeviceTimer.Work::end))
                    .max().orElseThrow();
            assertThat(LongStream.of(nanos(line, count)).sum()).isEqualTo(end);
            long idle = LongStream.range(0, end)
                    .filter(at -> all.stream().noneMatch(work -> work.begin() <= at && at < work.end()))
                    .count();
            assertThat(LongStream.of(idle(line, count)).sum()).isEqualTo(idle);
        }
    }
}
