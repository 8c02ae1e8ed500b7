package io.culvert.emulator.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;

/** Runs kernels on a {@link DeviceMemory}, one block after another. Not thread-safe. */
public final class Interpreter {
    /** Instructions that a warp may execute before it is held to be in an endless loop. */
    public static final long DEFAULT_INSTRUCTION_BUDGET = 200_000_000;

    private final DeviceMemory memory;
    private final Map<PtxModule, DeviceModule> modules = new IdentityHashMap<>();
    private long instructionBudget = DEFAULT_INSTRUCTION_BUDGET;
    private boolean findRaces = true;
    private boolean findUninitialised = true;

    public Interpreter(DeviceMemory memory) {
        this.memory = memory;
    }

    public DeviceMemory memory() {
        return memory;
    }

    /** Sets how many instructions each warp may execute. */
    public Interpreter instructionBudget(long perWarp) {
        instructionBudget = perWarp;
        return this;
    }

    long instructionBudget() {
        return instructionBudget;
    }

    /** Whether to look for races on shared memory; on by default. */
    public Interpreter findRaces(boolean find) {
        findRaces = find;
        return this;
    }

    boolean findsRaces() {
        return findRaces;
    }

    /** Whether to refuse reads of global and shared bytes that nothing wrote; on by default. */
    public Interpreter findUninitialised(boolean find) {
        findUninitialised = find;
        return this;
    }

    boolean findsUninitialised() {
        return findUninitialised;
    }

    /** The module's variables in this memory, placed on the first call. */
    public DeviceModule load(PtxModule module) {
        return modules.computeIfAbsent(module, m -> new DeviceModule(m, memory));
    }

    /** Frees the module's variables. */
    public void unload(PtxModule module) {
        DeviceModule loaded = modules.remove(module);
        if (loaded != null) {
            loaded.unload();
        }
    }

    /**
     * Executes all blocks of a launch.
     *
     * @throws KernelFault for the first mistake found; memory keeps what was written until then
     */
    public LaunchStats run(Launch launch, ExecutionOrder order) {
        PtxKernel kernel = launch.kernel();
        DeviceModule module = load(kernel.module());
        ToLongFunction<String> addresses = name -> {
            Variable shared = kernel.module().shared(name);
            Long function = kernel.module().functionAddress(name);
            return shared != null
                    ? kernel.sharedOffsets().get(shared)
                    : function != null ? function : module.address(name);
        };
        Region params = new Region("parameters", paramData(launch), 0, false, true);
        LaunchContext context = new LaunchContext(launch, this, order, params, addresses);
        int sharedBytes = kernel.sharedBytes(launch.dynamicShared());
        ThreadBlock block = new ThreadBlock(context, kernel.sharedOffsets(), sharedBytes);
        RandomGenerator random = order.random();
        long blocks = launch.grid().count();
        // Beyond this many blocks a shuffle would cost more than it finds: they run in order.
        boolean shuffle = order.mode() == ExecutionOrder.Mode.SHUFFLED && blocks <= 1 << 20;
        int[] shuffled = new int[shuffle ? (int) blocks : 0];
        order.arrange(shuffled, random);
        for (long i = 0; i < blocks; i++) {
            boolean reverse = order.mode() == ExecutionOrder.Mode.REVERSE;
            block.run(shuffle ? shuffled[(int) i] : reverse ? blocks - 1 - i : i, random);
        }
        return LaunchStats.of(context);
    }

    /** Native like all other simulated memory, so that accesses compile to one shape. */
    private static MemorySegment paramData(Launch launch) {
        byte[] params = launch.params();
        MemorySegment data = Arena.ofAuto().allocate(Math.max(1, params.length), 16);
        MemorySegment.copy(params, 0, data, ValueLayout.JAVA_BYTE, 0, params.length);
        return data.asSlice(0, params.length);
    }
}
