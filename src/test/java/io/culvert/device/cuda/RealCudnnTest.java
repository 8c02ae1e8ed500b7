package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.culvert.CulvertException;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import io.culvert.device.cuda.CudnnBatchNorm.Form;
import io.culvert.device.cuda.CudnnBatchNorm.Role;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * NVIDIA's own cuDNN, where it is installed, on our graphs: it checks them to the end without a GPU, and says which
 * engines it would have for one. In a process of its own, because the emulator takes the library's place in this one. Where
 * pip's wheels do not lie in a usual place, the environment names them: {@code CULVERT_CUDNN_PATH}, {@code
 * CULVERT_CUBLASLT_PATH}, {@code CULVERT_CUBLAS_PATH}, {@code CULVERT_NVRTC_PATH}.
 */
class RealCudnnTest {
    private static final int MISSING = 77;

    @Test
    void finishesOurGraphsAndHasEnginesForThem() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--add-modules=jdk.incubator.vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exit = process.waitFor();
        assumeTrue(exit != MISSING, () -> "NVIDIA's cuDNN is not installed: " + said);
        assertThat(exit).as(said).isZero();
        List<Form> all = new ArrayList<>(Child.OFFERED);
        all.addAll(Child.NOT_OFFERED);
        for (Form form : all) {
            assertThat(said).contains(form + ": finished");
        }
        assertThat(said).contains("a result of another width: refused");
        if (said.contains(Child.DRIVER)) {
            for (Form form : all) {
                boolean offered = Child.OFFERED.contains(form);
                assertThat(said).containsPattern(Pattern.quote(form + ": engines ") + (offered ? "[1-9]" : "0"));
            }
        }
    }

    /** What the process runs. */
    static final class Child {
        /** Facts of an H100, in the form that cuDNN writes and reads. */
        private static final String H100 =
                """
                {"deviceName": "NVIDIA H100 80GB HBM3", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0,
                "totalGlobalMem": 85520809984, "multiProcessorCount": 132, "smCountOrigin": 0, "warpSize": 32,
                "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
                "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
                "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
                "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "pciDeviceId": 0, "isTccDriver": 0,
                "supportCoopLaunch": 1, "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "l2CacheSize": 52428800}
                """;

        private static final List<String> DRIVER_FUNCTIONS = List.of(
                "cuCtxGetCurrent", "cuCtxGetLimit", "cuCtxPopCurrent", "cuCtxPushCurrent", "cuDeviceGet",
                "cuDeviceGetCount", "cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString", "cuKernelGetAttribute",
                "cuKernelSetAttribute", "cuLaunchCooperativeKernel", "cuLaunchKernel", "cuLaunchKernelEx",
                "cuLibraryGetKernel", "cuLibraryLoadData", "cuLibraryLoadFromFile", "cuLibraryUnload", "cuLinkAddData",
                "cuLinkComplete", "cuLinkCreate", "cuLinkDestroy", "cuOccupancyMaxPotentialClusterSize",
                "cuStreamGetCtx");

        static final String DRIVER = "with a driver that can do nothing";

        static final List<Form> OFFERED = List.of(
                form(false, 64, false, false, false),
                form(false, 64, true, false, false),
                form(false, 64, true, true, false),
                form(false, 64, true, true, true),
                form(true, 64, false, false, false),
                form(true, 64, true, false, false),
                form(true, 64, true, true, false),
                new Form(false, 512, 1, 1, 2048, Element.BFLOAT16, true, false, false),
                new Form(true, 512, 1, 1, 2048, Element.BFLOAT16, true, false, false));

        /** Channels that do not fill 16 bytes; a sum without a ReLU. */
        static final List<Form> NOT_OFFERED =
                List.of(form(false, 12, true, false, false), form(true, 12, true, false, false), form(false, 64, false, true, false));

        private static Form form(boolean backward, int channels, boolean relu, boolean residual, boolean keepsMask) {
            return new Form(backward, 32, 56, 56, channels, Element.BFLOAT16, relu, residual, keepsMask);
        }

        public static void main(String[] arguments) throws IOException, InterruptedException {
            try {
                NativeLibrary.CUDNN.open();
            } catch (NativeLibraryException e) {
                System.out.println(e.getMessage());
                System.exit(MISSING);
            }
            boolean driver = cudnn_h.cudnnGetVersion() == cudnn_h.CUDNN_VERSION() && openEmptyDriver();
            System.out.println(NativeLibrary.CUDNN.path() + ", version " + cudnn_h.cudnnGetVersion());
            System.out.println("a result of another width: " + (refusesOtherExtents() ? "refused" : "accepted"));
            CudnnDescriptor device = driver ? device() : null;
            OFFERED.forEach(form -> look(form, device));
            NOT_OFFERED.forEach(form -> look(form, device));
        }

        private static void look(Form form, CudnnDescriptor device) {
            try (CudnnGraph<Role> graph = CudnnBatchNorm.graph(null, form)) {
                System.out.println(form + ": finished");
                if (device != null) {
                    System.out.println(form + ": engines " + graph.engines(device).size());
                }
            }
        }

        /**
         * A driver that can do nothing: runtime compilation asks for these functions before it says what it has, and calls
         * none. False where there is no C compiler to make it.
         */
        private static boolean openEmptyDriver() throws IOException, InterruptedException {
            Path folder = Files.createTempDirectory("culvert-driver");
            Path source = folder.resolve("driver.c");
            Path library = folder.resolve("libcuda.so.1");
            StringBuilder text = new StringBuilder();
            for (String name : DRIVER_FUNCTIONS) {
                text.append("int ").append(name).append("(void) { return 999; }\n");
            }
            Files.writeString(source, text);
            try {
                Process compiler = new ProcessBuilder(
                                "cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library.toString(),
                                source.toString())
                        .inheritIO()
                        .start();
                if (compiler.waitFor() != 0) {
                    return false;
                }
            } catch (IOException e) {
                return false;
            }
            System.setProperty("culvert.cuda.path", folder.toString());
            NativeLibrary.CUDA.open();
            System.out.println(DRIVER);
            for (Path made : List.of(source, library, folder)) {
                made.toFile().deleteOnExit();
            }
            return true;
        }

        /** So that to finish a graph says something. */
        private static boolean refusesOtherExtents() {
            try (CudnnGraph<Role> graph = new CudnnGraph<>(null)) {
                CudnnDescriptor x = graph.tensor(Role.X, cudnn_h.CUDNN_DATA_BFLOAT16(), 2, 64, 3, 3);
                CudnnDescriptor y = graph.tensor(Role.Y, cudnn_h.CUDNN_DATA_BFLOAT16(), 2, 64, 3, 2);
                CudnnDescriptor mean = graph.tensor(Role.MEAN, cudnn_h.CUDNN_DATA_FLOAT(), 1, 64, 1, 1);
                CudnnDescriptor weight = graph.tensor(Role.WEIGHT, cudnn_h.CUDNN_DATA_FLOAT(), 1, 64, 1, 1);
                graph.add(graph.create("normalisation", cudnn_h.CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR())
                        .choice(
                                cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_MODE(), cudnn_h.CUDNN_TYPE_NORM_MODE(),
                                cudnn_h.CUDNN_BATCH_NORM())
                        .choice(
                                cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_PHASE(), cudnn_h.CUDNN_TYPE_NORM_FWD_PHASE(),
                                cudnn_h.CUDNN_NORM_FWD_INFERENCE())
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_XDESC(), x)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC(), mean)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC(), mean)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC(), weight)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC(), weight)
                        .part(cudnn_h.CUDNN_ATTR_OPERATION_NORM_FWD_YDESC(), y));
                return false;
            } catch (CulvertException e) {
                return e.getMessage().contains("cudnnBackendFinalize");
            }
        }

        private static CudnnDescriptor device() {
            CudnnDescriptor device = new CudnnDescriptor("device", cudnn_h.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR());
            try (Arena call = Arena.ofConfined()) {
                MemorySegment text = call.allocateFrom(H100);
                Cudnn.check(
                        cudnn_h.cudnnBackendSetAttribute(
                                device.address(), cudnn_h.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION(),
                                cudnn_h.CUDNN_TYPE_CHAR(), text.byteSize(), text),
                        "the properties of an H100");
            }
            return device.finish();
        }
    }
}
