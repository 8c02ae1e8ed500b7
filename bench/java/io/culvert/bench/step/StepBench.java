package io.culvert.bench.step;

import io.culvert.bench.BenchSettings;
import io.culvert.bench.culvert.CulvertStep;
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

/** A whole training step, pixels ready in memory; each side in a JVM of its own. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StepBench {

    /** Culvert's side. */
    @State(Scope.Benchmark)
    public static class Culvert {
        /** See {@link StepShape}. */
        @Param("resnet18,simclr,128,64")
        public String shape;

        private CulvertStep step;

        /** Builds the network. */
        @Setup(Level.Trial)
        public void open() {
            step = new CulvertStep(BenchSettings.threads(), StepShape.of(shape));
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
        /** See {@link StepShape}. */
        @Param("resnet18,simclr,128,64")
        public String shape;

        private DjlSimClr step;

        /** Builds the network. */
        @Setup(Level.Trial)
        public void open() {
            StepShape parsed = StepShape.of(shape);
            step = new DjlSimClr(BenchSettings.threads(), parsed.batch(), parsed.size());
        }

        /** Frees the network. */
        @TearDown(Level.Trial)
        public void close() {
            step.close();
        }
    }

    /** Forward, loss, backward and SGD in Culvert. */
    @Benchmark
    public float culvert(Culvert side) {
        return side.step.step();
    }

    /** The same in DJL: SimCLR on ResNet-18. */
    @Benchmark
    public float djl(Djl side) {
        return side.step.step();
    }
}
