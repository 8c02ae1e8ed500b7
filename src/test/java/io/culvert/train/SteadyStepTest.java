package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.method.SimClr;
import io.culvert.model.Backbone;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.conv2d.Conv2dOp;
import io.culvert.ops.pool.GlobalAvgPoolOp;
import io.culvert.ops.pool.MaxPoolOp;
import io.culvert.optim.AdamW;
import io.culvert.optim.Lars;
import io.culvert.optim.Optimizer;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/**
 * A step allocates nothing on the heap once the JIT compiler has seen it: neither on the trainer's thread nor on those
 * that compute beside it. The network is small, so that thousands of steps pass quickly, and has every op of ResNet-18.
 */
class SteadyStepTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int BATCH = 4;
    private static final int SIZE = 16;
    private static final int STEPS = 50;

    @Test
    void allocatesNothingWithSgd() {
        assertThat(leastBytes((arena, store) -> new Sgd(arena, store, 0.9, 1e-4, false))).isZero();
    }

    @Test
    void allocatesNothingWithLars() {
        assertThat(leastBytes((arena, store) -> new Lars(arena, store, 0.9, 1e-4, 1e-3))).isZero();
    }

    @Test
    void allocatesNothingWithAdamW() {
        assertThat(leastBytes((arena, store) -> new AdamW(arena, store, 0.9, 0.999, 1e-8, 1e-4))).isZero();
    }

    /** Bytes that {@link #STEPS} steps allocate on all threads that take part, the least seen within a minute. */
    private static long leastBytes(BiFunction<RunArena, ParameterStore, Optimizer> optimizer) {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            Trainer trainer = trainer(arena, optimizer);
            MemorySegment views = arena.allocate("views", 2L * BATCH * SIZE * SIZE * 3 * Float.BYTES).memory();
            for (long i = 0; i < views.byteSize() / Float.BYTES; i++) {
                views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i));
            }
            long[] helpers = Arrays.stream(THREADS.getAllThreadIds())
                    .filter(id -> THREADS.getThreadInfo(id).getThreadName().startsWith("culvert-compute"))
                    .toArray();
            assertThat(helpers).isNotEmpty();
            long least = Long.MAX_VALUE;
            long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
            while (least > 0 && System.nanoTime() < deadline) {
                long before = allocated(helpers);
                for (int i = 0; i < STEPS; i++) {
                    trainer.step(views);
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

    private static Trainer trainer(RunArena arena, BiFunction<RunArena, ParameterStore, Optimizer> optimizer) {
        ParameterStore store = new ParameterStore();
        Small backbone = new Small(store);
        SimClr method = new SimClr(backbone, 32, 16, 0.5);
        store.allocate(arena);
        Init init = new Init(1);
        backbone.initialise(init);
        method.initialise(init);
        store.valuesChanged();
        WarmupCosine constant = new WarmupCosine(1e-4, 1e-4, 1e-4, 1, 1_000_000_000);
        return new Trainer(arena, store, method, optimizer.apply(arena, store), constant, BATCH, SIZE);
    }

    /** A stem and one residual block. */
    private static final class Small implements Backbone {
        private static final int WIDTH = 24;

        private final ParameterStore store;
        private final Parameter stem;
        private final Parameter branch;
        private final Parameter shortcut;
        private final BatchNormState stemNorm;
        private final BatchNormState branchNorm;
        private final BatchNormState shortcutNorm;

        Small(ParameterStore store) {
            this.store = store;
            stem = store.parameter("stem.weight", WIDTH, 3, 7, 7);
            stemNorm = BatchNormState.declare(store, "stem_norm", WIDTH);
            branch = store.parameter("branch.weight", WIDTH, WIDTH, 3, 3);
            branchNorm = BatchNormState.declare(store, "branch_norm", WIDTH);
            shortcut = store.parameter("shortcut.weight", WIDTH, WIDTH, 1, 1);
            shortcutNorm = BatchNormState.declare(store, "shortcut_norm", WIDTH);
        }

        @Override
        public String name() {
            return "small";
        }

        @Override
        public int features() {
            return WIDTH;
        }

        @Override
        public ParameterStore store() {
            return store;
        }

        @Override
        public List<Parameter> parameters() {
            return store.parameters();
        }

        @Override
        public void initialise(Init init) {
            List.of(stem, branch, shortcut).forEach(init::kaimingNormalFanOut);
            for (BatchNormState norm : List.of(stemNorm, branchNorm, shortcutNorm)) {
                init.constant(norm.weight(), 1f);
            }
        }

        @Override
        public Tensor record(Tape tape, Tensor pixels, boolean training, int views) {
            BatchNormOp.Config plain = BatchNormOp.Config.TORCH.withGroups(views);
            BatchNormOp.Config relu = plain.withRelu(true);
            Tensor h = Conv2dOp.record(tape, "stem", pixels, stem, 2, 3);
            h = BatchNormOp.record(tape, "stem_norm", h, null, stemNorm, relu, training);
            h = MaxPoolOp.record(tape, "pool", h, 3, 2, 1);
            Tensor aside = Conv2dOp.record(tape, "shortcut", h, shortcut, 2, 0);
            aside = BatchNormOp.record(tape, "shortcut_norm", aside, null, shortcutNorm, plain, training);
            h = Conv2dOp.record(tape, "branch", h, branch, 2, 1);
            h = BatchNormOp.record(tape, "branch_norm", h, aside, branchNorm, relu, training);
            return GlobalAvgPoolOp.record(tape, "global_pool", h);
        }
    }
}
