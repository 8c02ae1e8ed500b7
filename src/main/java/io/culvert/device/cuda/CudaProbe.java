package io.culvert.device.cuda;

import static io.culvert.bindings.cuda.cuda_h.CUDA_SUCCESS;
import static io.culvert.bindings.cuda.cuda_h.cuDeviceGet;
import static io.culvert.bindings.cuda.cuda_h.cuDeviceGetCount;
import static io.culvert.bindings.cuda.cuda_h.cuDeviceGetName;
import static io.culvert.bindings.cuda.cuda_h.cuDeviceTotalMem_v2;
import static io.culvert.bindings.cuda.cuda_h.cuDriverGetVersion;
import static io.culvert.bindings.cuda.cuda_h.cuGetErrorName;
import static io.culvert.bindings.cuda.cuda_h.cuInit;

import io.culvert.CulvertException;
import io.culvert.bindings.cublas.cublas_h;
import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.device.LibraryStatus;
import io.culvert.device.cpu.NativeProbe;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Says which of NVIDIA's libraries are there and which GPUs the driver sees; needs none of them. */
public final class CudaProbe {
    private static final int NAME_BYTES = 256;

    private CudaProbe() {}

    /** NVIDIA's libraries, in the order that they are loaded. */
    public static List<LibraryStatus> libraries() {
        return List.of(
                NativeProbe.status(NativeLibrary.CUDA, CudaProbe::driverVersion),
                NativeProbe.status(NativeLibrary.CUBLASLT, () -> packed(cublaslt_h.cublasLtGetVersion())),
                NativeProbe.status(NativeLibrary.CUBLAS, CudaProbe::cublasVersion),
                NativeProbe.status(NativeLibrary.CUDNN, () -> packed(cudnn_h.cudnnGetVersion())),
                NativeProbe.status(NativeLibrary.NVTX, () -> null));
    }

    /**
     * A line for each GPU: name and memory. Empty without a driver or GPU.
     *
     * @throws CulvertException of kind DEVICE if there is a driver and it refuses
     */
    public static List<String> gpus() {
        List<String> gpus = new ArrayList<>();
        if (!NativeLibrary.CUDA.tryOpen()) {
            return gpus;
        }
        try (Arena call = Arena.ofConfined()) {
            check(cuInit(0), "cuInit");
            MemorySegment number = call.allocate(ValueLayout.JAVA_INT);
            check(cuDeviceGetCount(number), "cuDeviceGetCount");
            int count = number.get(ValueLayout.JAVA_INT, 0);
            for (int ordinal = 0; ordinal < count; ordinal++) {
                check(cuDeviceGet(number, ordinal), "cuDeviceGet");
                gpus.add(describe(number.get(ValueLayout.JAVA_INT, 0), call));
            }
        }
        return gpus;
    }

    private static String describe(int device, Arena call) {
        MemorySegment name = call.allocate(NAME_BYTES);
        check(cuDeviceGetName(name, NAME_BYTES, device), "cuDeviceGetName");
        MemorySegment bytes = call.allocate(ValueLayout.JAVA_LONG);
        check(cuDeviceTotalMem_v2(bytes, device), "cuDeviceTotalMem");
        double gib = bytes.get(ValueLayout.JAVA_LONG, 0) / (double) (1 << 30);
        return String.format(Locale.ROOT, "%s, %.1f GiB", name.getString(0), gib);
    }

    private static String driverVersion() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment version = call.allocate(ValueLayout.JAVA_INT);
            check(cuDriverGetVersion(version), "cuDriverGetVersion");
            int packed = version.get(ValueLayout.JAVA_INT, 0);
            return "for CUDA " + packed / 1000 + "." + packed % 1000 / 10;
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

    private static void check(int result, String call) {
        if (result != CUDA_SUCCESS()) {
            throw CulvertException.device("%s: %s (%d)", call, errorName(result), result);
        }
    }

    private static String errorName(int result) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment name = call.allocate(ValueLayout.ADDRESS);
            return cuGetErrorName(result, name) == CUDA_SUCCESS()
                    ? name.get(ValueLayout.ADDRESS, 0).reinterpret(NAME_BYTES).getString(0)
                    : "unknown error";
        }
    }
}
