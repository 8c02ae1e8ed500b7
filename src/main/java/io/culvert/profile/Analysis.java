package io.culvert.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/** A recording added up. Seconds are those of all timed steps together. */
public final class Analysis {
    /** Below this part of what the machine gives, neither arithmetic nor memory is what an operation waits for. */
    private static final double OVERHEAD_BELOW = 0.25;

    /** What keeps an operation from being faster. */
    public enum Bound {
        COMPUTE,
        MEMORY,
        /** The device waited longer for the host to queue the kernels than it computed. */
        LAUNCH,
        OVERHEAD,
        UNKNOWN
    }

    /**
     * An operation, or several of a class.
     *
     * @param calls of forward and backward
     * @param flops and {@code bytes}, what the calls must do at least
     * @param floor seconds that they take at least on this machine; NaN where that was not measured
     * @param queued seconds that the device waited for the host to queue them, which are beside the others
     * @param counts by the device; empty where it counts nothing
     */
    public record Row(
            String kind,
            String layer,
            int calls,
            double forward,
            double backward,
            double flops,
            double bytes,
            double arithmeticFloor,
            double floor,
            double queued,
            long[] counts) {
        public double seconds() {
            return forward + backward;
        }

        /** The part of the machine's best that it reached; may pass 1 where a cache feeds it. */
        public double ofRoof() {
            return floor / seconds();
        }

        public Bound bound() {
            if (queued > seconds()) {
                return Bound.LAUNCH;
            }
            if (Double.isNaN(floor) || flops == 0 && bytes == 0) {
                return Bound.UNKNOWN;
            }
            if (ofRoof() < OVERHEAD_BELOW) {
                return Bound.OVERHEAD;
            }
            return 2 * arithmeticFloor >= floor ? Bound.COMPUTE : Bound.MEMORY;
        }

        private Row plus(Row other) {
            long[] sums = counts.clone();
            Arrays.setAll(sums, i -> sums[i] + other.counts[i]);
            return new Row(
                    kind, layer, calls + other.calls, forward + other.forward, backward + other.backward, flops + other.flops,
                    bytes + other.bytes, arithmeticFloor + other.arithmeticFloor, floor + other.floor,
                    queued + other.queued, sums);
        }
    }

    /** What the loader's threads did together. */
    public record Loading(LoaderClock.Task task, int count, double seconds, double cpuSeconds) {}

    /** A line of code and in how many samples it was seen. */
    public record Seen(String line, int count) {}

    /** Medians of timed and untimed steps without what only some of them do, and what the timer's calls and the looks at threads add up to. */
    public record Overhead(double timed, double untimed, double counted, double scatter) {
        /** How much longer a timed step took than one that was not. */
        public double measured() {
            return timed / untimed - 1;
        }
    }

    private final Recording recording;
    private final Subject subject;
    private final double seconds;
    private final double[] phases = new double[Phase.values().length];
    private final List<Row> rows = new ArrayList<>();
    private final List<Loading> loading = new ArrayList<>();
    private final Map<Object, Map<String, Integer>> seen = new HashMap<>();
    private final Overhead overhead;

    public Analysis(Recording recording) {
        this.recording = recording;
        subject = recording.subject();
        List<StepClock.Step> timed = recording.timed();
        seconds = timed.stream().mapToDouble(step -> recording.clock().lasted(step) / 1e9).sum();
        addLaps(timed);
        addLoading();
        attributeSamples(timed);
        overhead = addOverhead(timed);
    }

    private void addLaps(List<StepClock.Step> timed) {
        int ops = subject.ops().size();
        double[][] spent = new double[2][ops];
        double[] queued = new double[ops];
        long[][] counts = new long[ops][subject.counted().size()];
        int[][] calls = new int[2][ops];
        StepClock clock = recording.clock();
        for (StepClock.Step step : timed) {
            for (int i = step.from(); i < step.to(); i++) {
                Subject.Lap lap = subject.lap(clock.kind(i));
                double lasted = clock.lasted(step, i) / 1e9;
                double late = lap.phase() == null || lap.phase().isComputing() ? clock.waited(i) / 1e9 : 0;
                phases[Phase.QUEUE.ordinal()] += late;
                if (lap.phase() != null) {
                    phases[lap.phase().ordinal()] += lasted - late;
                } else {
                    spent[lap.isForward() ? 0 : 1][lap.op()] += lasted - late;
                    calls[lap.isForward() ? 0 : 1][lap.op()]++;
                    queued[lap.op()] += late;
                    for (int k = 0; k < counts[lap.op()].length; k++) {
                        counts[lap.op()][k] += clock.counts(i)[k];
                    }
                }
            }
        }
        for (int i = 0; i < ops; i++) {
            rows.add(row(subject.ops().get(i), spent[0][i], spent[1][i], calls[0][i], calls[1][i], queued[i], counts[i]));
        }
        rows.sort(Comparator.comparingDouble(Row::seconds).reversed());
    }

    private Row row(
            OpFacts op, double forward, double backward, int forwards, int backwards, double queued, long[] counts) {
        Ceilings roof = subject.ceilings();
        double flops = (double) forwards * op.forwardFlops() + (double) backwards * op.backwardFlops();
        double floor = forwards * roof.seconds(op.forwardFlops(), op.forwardBytes())
                + backwards * roof.seconds(op.backwardFlops(), op.backwardBytes());
        return new Row(
                op.kind(), op.layer(), forwards + backwards, forward, backward, flops,
                (double) forwards * op.forwardBytes() + (double) backwards * op.backwardBytes(),
                flops / roof.flops(), roof.measured() ? floor : Double.NaN, queued, counts);
    }

    private void addLoading() {
        for (LoaderClock.Task task : LoaderClock.Task.values()) {
            List<LoaderClock.Span> spans = recording.loaders().stream()
                    .flatMap(loader -> loader.spans().stream())
                    .filter(span -> span.task() == task)
                    .toList();
            loading.add(new Loading(
                    task,
                    spans.size(),
                    spans.stream().mapToDouble(span -> (span.end() - span.begin()) / 1e9).sum(),
                    spans.stream().mapToDouble(span -> span.cpu() / 1e9).sum()));
        }
    }

    private void attributeSamples(List<StepClock.Step> timed) {
        for (StackSampler.Sample sample : recording.sampler().samples()) {
            Object what = recording.loaders().stream()
                    .filter(loader -> loader.thread().equals(sample.thread()))
                    .findFirst()
                    .map(loader -> taskAt(loader, sample.nanos()))
                    .orElseGet(() -> lapAt(timed, sample.nanos()));
            if (what != null) {
                seen.computeIfAbsent(what, key -> new HashMap<>()).merge(sample.line(), 1, Integer::sum);
            }
        }
    }

    private static Object taskAt(LoaderClock loader, long nanos) {
        return loader.spans().stream()
                .filter(span -> span.begin() <= nanos && nanos < span.end())
                .findFirst()
                .<Object>map(LoaderClock.Span::task)
                .orElse("loader");
    }

    /** The phase, or the facts of the operation, at this time. */
    private Object lapAt(List<StepClock.Step> timed, long nanos) {
        StepClock clock = recording.clock();
        for (StepClock.Step step : timed) {
            if (step.begin() <= nanos && nanos < step.end()) {
                for (int i = step.from(); i < step.to(); i++) {
                    if (nanos < clock.end(i)) {
                        Subject.Lap lap = subject.lap(clock.kind(i));
                        return lap.phase() != null ? lap.phase() : key(subject.ops().get(lap.op()));
                    }
                }
            }
        }
        return null;
    }

    private static String key(OpFacts op) {
        return op.kind() + " " + op.layer();
    }

    private Overhead addOverhead(List<StepClock.Step> timed) {
        List<StepClock.Step> untimed = recording.untimed();
        double without = median(untimed, Analysis::seconds);
        double laps = timed.stream().mapToInt(step -> step.to() - step.from()).sum();
        double counted = (laps * StepClock.lapNanos() + recording.sampler().busyNanos()) / 1e9 / seconds;
        double scatter = median(untimed, step -> Math.abs(seconds(step) / without - 1));
        return new Overhead(median(timed, Analysis::seconds), without, counted, scatter);
    }

    private static double seconds(StepClock.Step step) {
        return (step.end() - step.begin() - step.occasional()) / 1e9;
    }

    private static double median(List<StepClock.Step> steps, ToDoubleFunction<StepClock.Step> of) {
        double[] values = steps.stream().mapToDouble(of).sorted().toArray();
        int n = values.length;
        return n == 0 ? Double.NaN : (values[n / 2] + values[(n - 1) / 2]) / 2;
    }

    /** Seconds of all timed steps, their batches included. */
    public double seconds() {
        return seconds;
    }

    /** Timed steps. */
    public int steps() {
        return recording.timed().size();
    }

    /** The part of all time, in percent. */
    public double percent(double spent) {
        return 100 * spent / seconds;
    }

    public double phase(Phase phase) {
        return phases[phase.ordinal()];
    }

    /** The operations, the longest first. */
    public List<Row> rows() {
        return List.copyOf(rows);
    }

    /** Nanoseconds of each kernel, copy and fill that the operation queued, by name; empty where that is not known. */
    Map<String, Long> kernels(Row row) {
        Map<String, Long> nanos = new TreeMap<>();
        for (StepClock.Step step : recording.timed()) {
            for (DeviceTimer.Work work : step.work()) {
                if (work.interval() >= 0) {
                    int op = subject.lap(recording.clock().kind(step.from() + work.interval())).op();
                    if (op >= 0 && row.kind.equals(subject.ops().get(op).kind()) && row.layer.equals(subject.ops().get(op).layer())) {
                        nanos.merge(work.name(), work.end() - work.begin(), Long::sum);
                    }
                }
            }
        }
        return nanos;
    }

    /** The operations by class, the longest first. */
    public List<Row> classes() {
        Map<String, Row> classes = new HashMap<>();
        rows.forEach(row -> classes.merge(
                row.kind(),
                new Row(
                        row.kind(), "", row.calls, row.forward, row.backward, row.flops, row.bytes, row.arithmeticFloor,
                        row.floor, row.queued, row.counts),
                Row::plus));
        return classes.values().stream().sorted(Comparator.comparingDouble(Row::seconds).reversed()).toList();
    }

    public List<Loading> loading() {
        return List.copyOf(loading);
    }

    public Overhead overhead() {
        return overhead;
    }

    /** The part of the time in percent in which the device had nothing to do. */
    public double idlePercent() {
        return percent(Arrays.stream(Phase.values()).filter(phase -> !phase.isComputing()).mapToDouble(this::phase).sum());
    }

    /** Milliseconds of timed steps in which the garbage collector had stopped the program; they are within the other numbers. */
    public double pausedMillis() {
        double nanos = 0;
        for (GcPauses.Pause pause : recording.pauses()) {
            for (StepClock.Step step : recording.timed()) {
                nanos += Math.max(0, Math.min(pause.end(), step.end()) - Math.max(pause.begin(), step.begin()));
            }
        }
        return nanos / 1e6;
    }

    /** Lines at which the trainer's thread was seen in a phase. */
    public List<Seen> seen(Phase phase) {
        return mostSeen(phase);
    }

    /** Lines at which the trainer's thread was seen in an operation. */
    public List<Seen> seen(Row row) {
        return mostSeen(row.kind() + " " + row.layer());
    }

    /** Lines at which the trainer's thread was seen in operations of a class. */
    public List<Seen> seenInClass(String kind) {
        Map<String, Integer> lines = new HashMap<>();
        rows.stream()
                .filter(row -> row.kind().equals(kind))
                .flatMap(row -> seen(row).stream())
                .forEach(at -> lines.merge(at.line(), at.count(), Integer::sum));
        return sorted(lines);
    }

    /** Lines at which the loader's threads were seen at a task. */
    public List<Seen> seen(LoaderClock.Task task) {
        return mostSeen(task);
    }

    /** Lines, the most frequent first. */
    private List<Seen> mostSeen(Object what) {
        return sorted(seen.getOrDefault(what, Map.of()));
    }

    private static List<Seen> sorted(Map<String, Integer> lines) {
        return lines.entrySet().stream()
                .map(entry -> new Seen(entry.getKey(), entry.getValue()))
                .sorted(Comparator.comparingInt(Seen::count).reversed().thenComparing(Seen::line))
                .toList();
    }

    /** Seconds of each phase that took any. */
    public Map<Phase, Double> phases() {
        Map<Phase, Double> spent = new EnumMap<>(Phase.class);
        for (Phase phase : Phase.values()) {
            if (phase(phase) > 0) {
                spent.put(phase, phase(phase));
            }
        }
        return spent;
    }
}
