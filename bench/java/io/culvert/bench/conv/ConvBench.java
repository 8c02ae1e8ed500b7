package io.culvert.bench.conv;

import io.culvert.bench.FirstCall;
import io.culvert.bench.culvert.CulvertConv;
import io.culvert.bench.djl.DjlOps;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A convolution: forward alone ({@code ...Forward}), and forward with the gradients of images and weights
 * ({@code ...Train}). {@code culvert bench} gives the shapes.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ConvBench {

    /** The convolution to run. */
    @State(Scope.Benchmark)
    public static class Shape {
        /** {@code n,c,h,w,o,kernel,stride,padding}. */
        @Param("128,64,16,16,64,3,1,1")
        public String shape;
    }

    /** Culvert's side without gradients. */
    @State(Scope.Benchmark)
    public static class CulvertInference {
        private CulvertConv conv;

        /** Fills the operands and times the first call. */
        @Setup(Level.Trial)
        public void open(Shape s) {
            conv = new CulvertConv(ConvShape.parse(s.shape), false);
            FirstCall.time(conv::forward);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            conv.close();
        }
    }

    /** Culvert's side with gradients. */
    @State(Scope.Benchmark)
    public static class CulvertTraining {
        private CulvertConv conv;

        /** Fills the operands and times the first call. */
        @Setup(Level.Trial)
        public void open(Shape s) {
            conv = new CulvertConv(ConvShape.parse(s.shape), true);
            FirstCall.time(conv::train);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            conv.close();
        }
    }

    /** DJL's side without gradients. */
    @State(Scope.Benchmark)
    public static class DjlInference {
        private DjlOps ops;

        /** Fills the operands and times the first call. */
        @Setup(Level.Trial)
        public void open(Shape s) {
            ops = DjlOps.conv(ConvShape.parse(s.shape), false);
            FirstCall.time(ops::forward);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            ops.close();
        }
    }

    /** DJL's side with gradients. */
    @State(Scope.Benchmark)
    public static class DjlTraining {
        private DjlOps ops;

        /** Fills the operands and times the first call. */
        @Setup(Level.Trial)
        public void open(Shape s) {
            ops = DjlOps.conv(ConvShape.parse(s.shape), true);
            FirstCall.time(ops::train);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            ops.close();
        }
    }

    /** The convolution in Culvert. */
    @Benchmark
    public void culvertForward(CulvertInference side) {
        side.conv.forward();
    }

    /** The convolution and both gradients in Culvert. */
    @Benchmark
    public void culvertTrain(CulvertTraining side) {
        side.conv.train();
    }

    /** The convolution in DJL. */
    @Benchmark
    public void djlForward(DjlInference side) {
        side.ops.forward();
    }

    /** The convolution and both gradients in DJL. */
    @Benchmark
    public void djlTrain(DjlTraining side) {
        side.ops.train();
    }
}
