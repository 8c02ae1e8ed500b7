package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.method.Mae;
import io.culvert.method.Method;
import io.culvert.method.SimClr;
import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.model.MaeDecoder;
import io.culvert.model.VitTiny;
import io.culvert.optim.AdamW;
import io.culvert.optim.GradientScale;
import io.culvert.optim.Groups;
import io.culvert.optim.Lars;
import io.culvert.optim.Optimizer;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.ParameterStore;
import io.culvert.verify.SmallBackbone;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * A step allocates nothing on the heap once the JIT compiler has seen it: neither on the trainer's thread nor on those
 * that compute beside it. The network is small, so that thousands of steps pass quickly.
 */
class SteadyStepTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int BATCH = 4;
    private static final int SIZE = 16;
    private static final int STEPS = 50;

    /**
     * In a process of its own: what else ran in this one (heap segments among native ones, say) decides what the compiler
     * can inline, and a vector that is not inlined away lives on the heap.
     */
    @Test
    void allocatesNothing() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        SteadyStepTest.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        assertThat(output.lines())
                .containsExactly("sgd 0 bytes", "lars 0 bytes", "adamw 0 bytes", "vit 0 bytes", "mae 0 bytes", "recipe 0 bytes");
    }

    /** Prints what a number of steps allocate with each optimiser. */
    public static void main(String[] args) {
        print("sgd", (arena, store) -> new Sgd(arena, store, 0.9, 1e-4, false));
        print("lars", (arena, store) -> new Lars(arena, store, 0.9, 1e-4, 1e-3));
        print("adamw", SteadyStepTest::adamW);
        print("vit", store -> contrast(new VitTiny(store, SIZE, SIZE, 4, 2)), SteadyStepTest::adamW);
        print("mae", SteadyStepTest::mae, SteadyStepTest::adamW);
        System.out.println("recipe " + leastBytes(SteadyStepTest::recipe) + " bytes");
    }

    /** Two passes a step, clipped, spared vectors, a decay that changes. */
    private static Trainer recipe(RunArena arena) {
        ParameterStore store = new ParameterStore();
        Learner learner = contrast(new SmallBackbone(store));
        initialise(arena, store, learner);
        AdamW adam = new AdamW(
                arena, store, new Groups(false, 0.5, store.parameters().subList(3, 5), 10), 0.9, 0.999, 1e-8, 1e-4);
        adam.decayTo(1e-3, 1_000_000_000);
        return new Trainer(
                arena, store, learner.method, adam, constant(), BATCH, new int[] {SIZE},
                new Trainer.Extras(2, new GradientScale.Clip(0.1, false, store.parameters()), null, false));
    }

    private static WarmupCosine constant() {
        return new WarmupCosine(1e-4, 1e-4, 1e-4, 1, 1_000_000_000);
    }

    private static void initialise(RunArena arena, ParameterStore store, Learner learner) {
        store.allocate(arena);
        learner.method.allocate(arena);
        Init init = new Init(1);
        learner.backbone.initialise(init);
        learner.method.initialise(init);
        store.valuesChanged();
    }

    /** A network with its method. */
    private record Learner(Backbone backbone, Method method) {}

    private static Learner contrast(Backbone backbone) {
        return new Learner(backbone, new SimClr(backbone, 32, 16, 0.5));
    }

    private static Learner mae(ParameterStore store) {
        VitTiny encoder = new VitTiny(store, SIZE, SIZE, 4, new VitTiny.Sizes(192, 2, 3), VitTiny.Start.MAE);
        MaeDecoder decoder = new MaeDecoder(encoder, new MaeDecoder.Sizes(64, 1, 4, 1e-6));
        return new Learner(encoder, new Mae(encoder, decoder, new Mae.Settings(0.75, true, false), 1));
    }

    private static Optimizer adamW(RunArena arena, ParameterStore store) {
        return new AdamW(arena, store, 0.9, 0.999, 1e-8, 1e-4);
    }

    private static void print(String name, BiFunction<RunArena, ParameterStore, Optimizer> optimizer) {
        print(name, store -> contrast(new SmallBackbone(store)), optimizer);
    }

    private static void print(
            String name,
            Function<ParameterStore, Learner> network,
            BiFunction<RunArena, ParameterStore, Optimizer> optimizer) {
        System.out.println(name + " " + leastBytes(network, optimizer) + " bytes");
    }

    /** Bytes that {@link #STEPS} steps allocate on all threads that take part, the least seen within a minute. */
    private static long leastBytes(
            Function<ParameterStore, Learner> network, BiFunction<RunArena, ParameterStore, Optimizer> optimizer) {
        return leastBytes(arena -> trainer(arena, network, optimizer));
    }

    private static long leastBytes(Function<RunArena, Trainer> made) {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            Trainer trainer = made.apply(arena);
            MemorySegment views = arena.allocate("views", trainer.pixels().getFirst().bytes()).memory();
            for (long i = 0; i < views.byteSize() / Float.BYTES; i++) {
                views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i));
            }
            Runnable same = () -> {};
            long[] helpers = Arrays.stream(THREADS.getAllThreadIds())
                    .filter(id -> THREADS.getThreadInfo(id).getThreadName().startsWith("culvert-compute"))
                    .toArray();
            assertThat(helpers).isNotEmpty();
            long least = Long.MAX_VALUE;
            long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
            while (least > 0 && System.nanoTime() < deadline) {
                long before = allocated(helpers);
                for (int i = 0; i < STEPS; i++) {
                    trainer.pixels().getFirst().feed(views);
                    trainer.step(same);
                }
                least = Math.min(least, allocated(helpers) - before);
            }
            return least;
        }
    }

    private static long allocated(long[] helpers) {
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        for (long helper : helpers) {
            bytes += THREADS.getThreadAllocatedBytes(helper);
        }
        return bytes;
    }

    private static Trainer trainer(
            RunArena arena,
            Function<ParameterStore, Learner> network,
            BiFunction<RunArena, ParameterStore, Optimizer> optimizer) {
        ParameterStore store = new ParameterStore();
        Learner learner = network.apply(store);
        Method method = learner.method;
        initialise(arena, store, learner);
        OnlineProbe probe = new OnlineProbe(arena, learner.backbone.features(), method.views(), 2, 0.999, 1);
        return new Trainer(
                arena, store, method, optimizer.apply(arena, store), constant(), BATCH, new int[] {SIZE},
                new Trainer.Extras(1, null, probe, false));
    }
}
