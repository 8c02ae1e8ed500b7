package io.culvert.bench.op;

import io.culvert.bench.FirstCall;
import io.culvert.bench.culvert.CulvertOp;
import io.culvert.bench.djl.DjlOp;
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
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Any operation of {@link OpShape}: forward ({@code ...Forward}), and forward with backward ({@code ...Train}). {@code
 * culvert bench} gives the shapes.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OpBench {
    /** One side, its first call behind it. */
    @State(Scope.Benchmark)
    public abstract static class Running {
        /** See {@link OpShape}. */
        @Param("layer_norm,16640,192")
        public String shape;

        OpSide side;

        abstract OpSide open(OpShape operation);

        /** Fills the operands, times the first call and keeps what it computed. */
        @Setup(Level.Trial)
        public void start(BenchmarkParams benchmark) {
            side = open(OpShape.parse(shape));
            boolean train = benchmark.getBenchmark().endsWith("Train");
            FirstCall.time(train ? side::train : side::forward);
            FirstCall.result(train ? side.gradientNorm() : side.outputNorm());
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            side.close();
        }
    }

    /** Culvert's side. */
    @State(Scope.Benchmark)
    public static class Culvert extends Running {
        @Override
        OpSide open(OpShape operation) {
            return new CulvertOp(operation);
        }
    }

    /** DJL's side. */
    @State(Scope.Benchmark)
    public static class Djl extends Running {
        @Override
        OpSide open(OpShape operation) {
            return new DjlOp(operation);
        }
    }

    /** Forward in Culvert. */
    @Benchmark
    public void culvertForward(Culvert running) {
        running.side.forward();
    }

    /** Forward and backward in Culvert. */
    @Benchmark
    public void culvertTrain(Culvert running) {
        running.side.train();
    }

    /** Forward in DJL. */
    @Benchmark
    public void djlForward(Djl running) {
        running.side.forward();
    }

    /** Forward and backward in DJL. */
    @Benchmark
    public void djlTrain(Djl running) {
        running.side.train();
    }
}
