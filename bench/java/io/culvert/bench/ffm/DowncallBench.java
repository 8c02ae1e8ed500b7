package io.culvert.bench.ffm;

import ai.djl.pytorch.jni.JniUtils;
import io.culvert.bench.BenchSettings;
import io.culvert.bench.djl.DjlEngine;
import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.load.NativeLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What it costs to call a C function that does next to nothing: through FFM, and through DJL's JNI layer. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DowncallBench {
    private static final MethodHandle ABS = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().find("abs").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    /** A value that the compiler cannot fold. */
    @State(Scope.Thread)
    public static class Argument {
        private int value = -42;
    }

    /** Culvert's side: oneDNN loaded. */
    @State(Scope.Benchmark)
    public static class OneDnn {
        /** Loads the library. */
        @Setup(Level.Trial)
        public void open() {
            NativeLibrary.DNNL.open();
        }
    }

    /** DJL's side: its native libraries loaded. */
    @State(Scope.Benchmark)
    public static class Djl {
        /** Loads the libraries. */
        @Setup(Level.Trial)
        public void open() {
            DjlEngine.open(BenchSettings.threads()).close();
        }
    }

    /** {@code abs} of the C library through FFM. */
    @Benchmark
    public int culvert(Argument argument) throws Throwable {
        return (int) ABS.invokeExact(argument.value);
    }

    /** {@code dnnl_version} through Culvert's bindings: returns a pointer to a constant. */
    @Benchmark
    public MemorySegment culvertOneDnn(OneDnn side) {
        return dnnl_h.dnnl_version();
    }

    /** PyTorch's {@code get_num_threads} through DJL's JNI layer, its cheapest call. */
    @Benchmark
    public int djl(Djl side) {
        return JniUtils.getNumThreads();
    }
}
