package io.culvert.bench.gemm;

import io.culvert.bench.FirstCall;
import io.culvert.bench.culvert.CulvertGemm;
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

/** A matrix product. {@code culvert bench} gives the shapes. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GemmBench {

    /** Culvert's side. */
    @State(Scope.Benchmark)
    public static class Culvert {
        /** {@code m,k,n}. */
        @Param("1024,1024,1024")
        public String shape;

        private CulvertGemm gemm;

        /** Fills the operands and times the first call. */
        @Setup(Level.Trial)
        public void open() {
            gemm = new CulvertGemm(GemmShape.parse(shape));
            FirstCall.time(gemm::product);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            gemm.close();
        }
    }

    /** DJL's side. */
    @State(Scope.Benchmark)
    public static class Djl {
        /** {@code m,k,n}. */
        @Param("1024,1024,1024")
        public String shape;

        private DjlOps ops;

        /** Fills the operands and times the first call. */
        @Setup(Level.Trial)
        public void open() {
            ops = DjlOps.gemm(GemmShape.parse(shape));
            FirstCall.time(ops::product);
        }

        /** Frees the operands. */
        @TearDown(Level.Trial)
        public void close() {
            ops.close();
        }
    }

    /** The product in Culvert. */
    @Benchmark
    public void culvert(Culvert side) {
        side.gemm.product();
    }

    /** The product in DJL. */
    @Benchmark
    public void djl(Djl side) {
        side.ops.product();
    }
}
