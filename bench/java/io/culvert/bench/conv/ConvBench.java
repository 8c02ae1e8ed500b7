package io.culvert.bench.conv;

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
 * The distinct convolutions of ResNet-18 on 64x64 images, batch 128: forward alone ({@code ...Forward}), and forward
 * with both gradients ({@code ...Train}).
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ConvBench {

    /** The convolution to run. */
    @State(Scope.Benchmark)
    public static class Shape {
        /** {@code n,c,h,w,o,kernel,stride,padding}. */
        @Param({
            "128,3,64,64,64,7,2,3",
            "128,64,16,16,64,3,1,1",
            "128,64,16,16,128,3,2,1",
            "128,64,16,16,128,1,2,0",
            "128,128,8,8,128,3,1,1",
            "128,128,8,8,256,3,2,1",
            "128,256,4,4,256,3,1,1",
            "128,256,4,4,512,3,2,1",
            "128,512,2,2,512,3,1,1"
        })
        public String shape;
    }

    /** DJL's side without gradients. */
    @State(Scope.Benchmark)
    public static class DjlInference {
        private DjlOps ops;

        /** Fills the operands. */
        @Setup(Level.Trial)
        public void open(Shape s) {
            ops = DjlOps.conv(ConvShape.parse(s.shape), false);
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

        /** Fills the operands. */
        @Setup(Level.Trial)
        public void open(Shape s) {
            ops = DjlOps.conv(ConvShape.parse(s.shape), true);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            ops.close();
        }
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
