package io.culvert.bench.step;

import io.culvert.bench.BenchSettings;
import io.culvert.bench.culvert.CulvertSimClr;
import io.culvert.bench.djl.DjlSimClr;
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

/** A whole SimCLR ResNet-18 training step, pixels ready in memory; each side in a JVM of its own. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StepBench {

    /** Culvert's side. */
    @State(Scope.Benchmark)
    public static class Culvert {
        /** Batch and side length of the square images, {@code batch,size}. */
        @Param("128,64")
        public String shape;

        private CulvertSimClr step;

        /** Builds the network. */
        @Setup(Level.Trial)
        public void open() {
            String[] parts = shape.split(",");
            step = new CulvertSimClr(BenchSettings.threads(), Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
        }

        /** Frees the network. */
        @TearDown(Level.Trial)
        public void close() {
            step.close();
        }
    }

    /** DJL's side. */
    @State(Scope.Benchmark)
    public static class Djl {
        /** Batch and side length of the square images, {@code batch,size}. */
        @Param("128,64")
        public String shape;

        private DjlSimClr step;

        /** Builds the network. */
        @Setup(Level.Trial)
        public void open() {
            String[] parts = shape.split(",");
            step = new DjlSimClr(BenchSettings.threads(), Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
        }

        /** Frees the network. */
        @TearDown(Level.Trial)
        public void close() {
            step.close();
        }
    }

    /** Forward of both views, NT-Xent, backward and SGD in Culvert. */
    @Benchmark
    public float culvert(Culvert side) {
        return side.step.step();
    }

    /** The same in DJL. */
    @Benchmark
    public float djl(Djl side) {
        return side.step.step();
    }
}
