package io.culvert.device.cuda;

import io.culvert.CulvertException;
import io.culvert.bindings.cublas.cublas_h;
import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.bindings.cuda.cuda_h;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.device.GpuStatus;
import io.culvert.device.LibraryStatus;
import io.culvert.device.cpu.NativeProbe;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Says which of NVIDIA's libraries are there, which GPUs the driver sees, and what keeps them from being used; needs none. */
public final class CudaProbe {
    /** What our PTX is compiled for: every GPU from this compute capability on can run it. */
    static final int PTX_TARGET = 80;

    /** The first CUDA version whose drivers read our PTX's version, 8.0. */
    private static final int PTX_CUDA = 12_000;

    /** The first driver of each CUDA version that we name in a remedy. */
    private static final String DRIVER_12 = "525";

    private static final String DRIVER_13 = "580";

    private CudaProbe() {}

    /** NVIDIA's libraries, in the order that they are loaded. */
    public static List<LibraryStatus> libraries() {
        return List.of(
                NativeProbe.status(NativeLibrary.CUDA, CudaProbe::driverVersion),
                NativeProbe.status(
                        NativeLibrary.CUBLASLT,
                        () -> packed(cublaslt_h.cublasLtGetVersion()) + cudart(cublaslt_h.cublasLtGetCudartVersion())),
                NativeProbe.status(NativeLibrary.CUBLAS, CudaProbe::cublasVersion),
                NativeProbe.status(
                        NativeLibrary.CUDNN,
                        () -> packed(cudnn_h.cudnnGetVersion()) + cudart(cudnn_h.cudnnGetCudartVersion())),
                NativeProbe.status(NativeLibrary.NCCL, Nccl::version),
                NativeProbe.status(NativeLibrary.NVTX, () -> null),
                NativeProbe.status(NativeLibrary.CUPTI, Cupti::version));
    }

    /**
     * The GPUs that the driver shows, in its order. Empty without a driver or GPU.
     *
     * @throws CulvertException of kind DEVICE if there is a driver and it refuses
     */
    public static List<GpuStatus> gpus() {
        List<GpuStatus> gpus = new ArrayList<>();
        if (!NativeLibrary.CUDA.tryOpen()) {
            return gpus;
        }
        Driver.init();
        int count = Driver.deviceCount();
        for (int ordinal = 0; ordinal < count; ordinal++) {
            int device = Driver.deviceGet(ordinal);
            gpus.add(new GpuStatus(
                    Driver.deviceName(device),
                    computeCapability(device),
                    Driver.deviceAttribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT()),
                    Driver.deviceTotalMem(device)));
        }
        return gpus;
    }

    static int computeCapability(int device) {
        return Driver.deviceAttribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR()) * 10
                + Driver.deviceAttribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR());
    }

    /**
     * CUDA versions as {@code major * 1000 + minor * 10}.
     *
     * @param driver the latest that the driver runs
     * @param cublas the one that cuBLASLt was built for, 0 without cuBLASLt
     * @param cudnn the one that cuDNN was built for, 0 without cuDNN
     */
    record Versions(int driver, int cublas, int cudnn) {}

    /** What keeps the first GPU from being used, each with its remedy; empty if nothing does, or there is no driver. */
    public static List<String> problems() {
        if (!NativeLibrary.CUDA.tryOpen()) {
            return List.of();
        }
        List<GpuStatus> gpus;
        try {
            gpus = gpus();
        } catch (CulvertException e) {
            return List.of("the driver refuses: " + e.getMessage());
        }
        List<String> problems = new ArrayList<>();
        boolean cublas = isThere(NativeLibrary.CUBLASLT, problems);
        isThere(NativeLibrary.CUBLAS, problems);
        boolean cudnn = isThere(NativeLibrary.CUDNN, problems);
        Versions versions = new Versions(
                Driver.driverVersion(),
                cublas ? (int) cublaslt_h.cublasLtGetCudartVersion() : 0,
                cudnn ? (int) cudnn_h.cudnnGetCudartVersion() : 0);
        problems.addAll(problems(versions, gpus));
        return problems;
    }

    private static boolean isThere(NativeLibrary library, List<String> problems) {
        boolean there = library.tryOpen();
        if (!there) {
            problems.add(library.title() + " is missing: " + library.remedy());
        }
        return there;
    }

    static List<String> problems(Versions versions, List<GpuStatus> gpus) {
        List<String> problems = new ArrayList<>();
        if (versions.driver < PTX_CUDA) {
            problems.add("the driver is for CUDA %s, Culvert's kernels need %s: install driver %s or later"
                    .formatted(cuda(versions.driver), cuda(PTX_CUDA), DRIVER_12));
        }
        int newest = Math.max(versions.cublas, versions.cudnn);
        if (newest / 1000 > versions.driver / 1000) {
            problems.add(("cuBLAS or cuDNN is built for CUDA %d, the driver runs CUDA %s: install driver %s or later, or "
                            + "the libraries for CUDA %d (pip install nvidia-cublas-cu12 nvidia-cudnn-cu12)")
                    .formatted(
                            newest / 1000, cuda(versions.driver), newest / 1000 > 12 ? DRIVER_13 : DRIVER_12,
                            versions.driver / 1000));
        }
        if (versions.cublas > 0 && versions.cudnn > 0 && versions.cublas / 1000 != versions.cudnn / 1000) {
            problems.add(("cuBLASLt is built for CUDA %d, cuDNN for CUDA %d: install both for the same one, such as with "
                            + "pip install nvidia-cublas nvidia-cudnn-cu13")
                    .formatted(versions.cublas / 1000, versions.cudnn / 1000));
        }
        if (gpus.isEmpty()) {
            problems.add("the driver shows no GPU: unset CUDA_VISIBLE_DEVICES, or start the container with its GPUs");
        } else if (gpus.getFirst().computeCapability() < PTX_TARGET) {
            problems.add(tooOld(gpus.getFirst()));
        }
        return problems;
    }

    /** What is wrong with a GPU that our PTX is not for. */
    static String tooOld(GpuStatus gpu) {
        return ("%s has compute capability %.1f, Culvert's kernels need %.1f (Ampere) or later: use another GPU "
                        + "(CUDA_VISIBLE_DEVICES picks one), or device=cpu")
                .formatted(gpu.name(), gpu.computeCapability() / 10.0, PTX_TARGET / 10.0);
    }

    /** The driver's own number is in the name of the file that libcuda.so.1 stands for: libcuda.so.580.65.06. */
    private static String driverVersion() {
        String version = "for CUDA " + cuda(Driver.driverVersion());
        try {
            String file = NativeLibrary.CUDA.path().toRealPath().getFileName().toString();
            String number = file.substring(file.indexOf(".so.") + 4);
            return number.contains(".") ? number + " " + version : version;
        } catch (IOException e) {
            return version;
        }
    }

    private static String cublasVersion() {
        return property(cublas_h.MAJOR_VERSION()) + "." + property(cublas_h.MINOR_VERSION()) + "."
                + property(cublas_h.PATCH_LEVEL());
    }

    private static int property(int which) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment value = call.allocate(ValueLayout.JAVA_INT);
            int status = cublas_h.cublasGetProperty(which, value);
            if (status != cublas_h.CUBLAS_STATUS_SUCCESS()) {
                throw CulvertException.device("cublasGetProperty: status %d", status);
            }
            return value.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** Versions as cuBLASLt and cuDNN 9 pack them: {@code major * 10000 + minor * 100 + patch}. */
    private static String packed(long version) {
        return version / 10000 + "." + version / 100 % 100 + "." + version % 100;
    }

    private static String cudart(long version) {
        return " for CUDA " + cuda((int) version);
    }

    private static String cuda(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }
}
