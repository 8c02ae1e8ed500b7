package io.culvert.emulator;

import io.culvert.CulvertException;
import io.culvert.emulator.ptx.DeviceMemory;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.Interpreter;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The simulated GPU of this process. {@link #install} makes it the one that the CUDA device finds; after that NVIDIA's own
 * libraries cannot be loaded in this process any more.
 */
public final class Emulator {
    /** Bytes that the GPU has unless {@link #memory} is called. */
    public static final long USUAL_MEMORY = 8L << 30;

    private static Emulator installed;

    private final SimulatedDriver driver;
    private final SimulatedCublasLt cublasLt;
    private final SimulatedCudnn cudnn;
    private final SimulatedNccl nccl;
    private final SimulatedCupti cupti;
    private final KernelRunner kernels;
    private final Faults faults = new Faults();

    private Emulator() {
        DeviceMemory memory = new DeviceMemory();
        kernels = new KernelRunner(new Interpreter(memory));
        driver = new SimulatedDriver(memory, kernels, faults);
        Map<String, SimulatedLibrary> libraries = new LinkedHashMap<>();
        libraries.put("libcuda.so.1", driver);
        cublasLt = new SimulatedCublasLt(driver);
        libraries.put("libcublasLt.so.13", cublasLt);
        libraries.put("libcublas.so.13", new SimulatedCublas());
        cudnn = new SimulatedCudnn(driver);
        libraries.put("libcudnn.so.9", cudnn);
        nccl = new SimulatedNccl(driver);
        libraries.put("libnccl.so.2", nccl);
        cupti = new SimulatedCupti(driver);
        libraries.put("libcupti.so.13", cupti);
        Path folder = unpack(libraries.keySet().toArray(String[]::new));
        libraries.forEach((name, library) -> library.serve(folder.resolve(name)));
        for (String key : new String[] {"cuda", "cublaslt", "cublas", "cudnn", "nccl", "cupti"}) {
            System.setProperty("culvert." + key + ".path", folder.toString());
        }
    }

    /** Whether its libraries were built: that takes a C compiler, and Linux on x86-64 or ARM. */
    public static boolean isBuilt() {
        return Emulator.class.getResource(resource("libcuda.so.1")) != null;
    }

    /**
     * Puts the emulator in the place of NVIDIA's libraries; further calls change nothing.
     *
     * @throws CulvertException of kind DEVICE if it was not built
     */
    public static synchronized Emulator install() {
        if (installed == null) {
            if (!isBuilt()) {
                throw CulvertException.device(
                        "the emulator's libraries were not built: install a C compiler (gcc or clang) and build again");
            }
            installed = new Emulator();
        }
        return installed;
    }

    private static String resource(String library) {
        String machine = System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
        return "/io/culvert/emulator/linux-%s/%s".formatted(machine.toLowerCase(Locale.ROOT), library);
    }

    private static Path unpack(String... libraries) {
        try {
            Path folder = Files.createTempDirectory("culvert-emulator");
            folder.toFile().deleteOnExit();
            for (String library : libraries) {
                try (InputStream in = Emulator.class.getResourceAsStream(resource(library))) {
                    Path file = folder.resolve(library);
                    Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
                    file.toFile().deleteOnExit();
                }
            }
            return folder;
        } catch (IOException e) {
            throw CulvertException.device(e, "cannot unpack the emulator's libraries: %s", e.getMessage());
        }
    }

    /** The order in which blocks and warps run from now on: a kernel without races gives the same in every one. */
    public void order(ExecutionOrder order) {
        kernels.order(order);
    }

    /** The order between streams from now on. */
    public void order(StreamOrder order) {
        driver.order(order);
    }

    /** How much memory the GPU has from now on, what is allocated included: {@link #USUAL_MEMORY} at first. */
    public void memory(long bytes) {
        driver.totalBytes(bytes);
    }

    /** Lets the n-th memory allocation from now on fail, the next one being the first. */
    public void failAllocation(int n) {
        faults.failAt(Faults.Kind.ALLOCATION, n);
    }

    /** Lets the n-th kernel launch from now on fail and break the context, as a sticky error does. */
    public void failLaunch(int n) {
        faults.failAt(Faults.Kind.LAUNCH, n);
    }

    /** How many algorithms cuDNN offers for each convolution from now on; 1 at first, so that none need be tried. */
    public void offerConvolutionAlgorithms(int count) {
        cudnn.offer(count);
    }

    /** Makes cuDNN offer the algorithm of this number and refuse to run it; -1 ends that. */
    public void refuseConvolutionAlgorithm(int number) {
        cudnn.refuse(number);
    }

    /** Makes cuBLASLt offer no algorithm with the epilogue of this number; -1 ends that. */
    public void refuseEpilogue(int number) {
        cublasLt.refuse(number);
    }

    /** Whether cuDNN has no engine for any graph from now on; false at first. */
    public void refuseGraphs(boolean refuse) {
        cudnn.graphs().refuse(refuse);
    }

    /** Whether cuDNN's engines for graphs give other bits each time from now on, as they would note; false at first. */
    public void varyGraphs(boolean vary) {
        cudnn.graphs().vary(vary);
    }

    /** How many of cuDNN's graphs were run since the emulator was installed. */
    public int graphRuns() {
        return cudnn.graphs().runs();
    }

    /** How often each of cuDNN's algorithms, by number, was run since the emulator was installed. */
    public Map<Integer, Integer> convolutionRuns() {
        return Map.copyOf(cudnn.runs());
    }

    /** How often cuBLASLt was given products, by the number of their epilogue, since the emulator was installed. */
    public Map<Integer, Integer> epilogueRuns() {
        return Map.copyOf(cublasLt.runs());
    }

    /** Whether a profiler of NVIDIA's holds CUPTI's only place from now on; false at first. */
    public void otherProfiler(boolean there) {
        cupti.otherSubscriber(there);
    }

    /** The version that CUPTI says it has from now on, as its header writes it. */
    public void cuptiVersion(int version) {
        cupti.version(version);
    }

    /** Lets CUPTI give no times for so many kernels from now on, as when the GPU has no memory to note them in. */
    public void loseKernelTimes(int kernels) {
        cupti.loseTimes(kernels);
    }

    /** How often collectives of several ranks ran, by the function's name, since the emulator was installed. */
    public Map<String, Integer> collectiveRuns() {
        return Map.copyOf(nccl.runs());
    }

    /**
     * Lets no collective of this rank end from now on, as when its GPU or its connection hangs.
     *
     * @param error what NCCL notices of it, one of its results; 0: nothing
     */
    public void stickCollectives(int error) {
        nccl.stick(error);
    }

    /** How many times a recorded graph was launched since the emulator was installed. */
    public int graphLaunches() {
        return driver.graphLaunches();
    }

    /** Names of {@link #counts}. */
    public static List<String> counted() {
        return KernelCounts.NAMES;
    }

    /**
     * What kernels of PTX did from the installation of the emulator until an event passed; calls of simulated libraries are
     * not counted.
     */
    public long[] counts(MemorySegment event) {
        return driver.counts(event);
    }

    /** What was created and not given back, by type, with the number of each; empty after a clean run. */
    public Map<String, Integer> leaks() {
        Map<String, Integer> leaks = driver.leaks();
        leaks.putAll(cupti.leaks());
        return leaks;
    }
}
