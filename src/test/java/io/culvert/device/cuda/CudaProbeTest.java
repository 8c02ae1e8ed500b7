package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.GpuStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CudaProbeTest {
    private static final List<GpuStatus> AMPERE = List.of(new GpuStatus("A100", 80, 108, 80L << 30));

    private static List<String> problems(int driver, int cublas, int cudnn) {
        return CudaProbe.problems(new CudaProbe.Versions(driver, cublas, cudnn), AMPERE);
    }

    @Test
    void aDriverThatIsNewerThanTheLibrariesWillDo() {
        assertThat(problems(13_000, 13_000, 13_000)).isEmpty();
        assertThat(problems(13_000, 12_080, 12_090)).isEmpty();
        assertThat(problems(12_040, 12_080, 12_090)).isEmpty();
        assertThat(problems(13_000, 0, 0)).isEmpty();
    }

    @Test
    void anOldDriverIsToldWhatTheKernelsNeed() {
        assertThat(problems(11_080, 11_080, 11_080)).singleElement().asString().contains("CUDA 11.8", "12.0", "525");
    }

    @Test
    void librariesOfALaterCudaThanTheDriversAreToldOf() {
        assertThat(problems(12_080, 13_000, 13_000))
                .singleElement()
                .asString()
                .contains("CUDA 13", "runs CUDA 12.8", "580", "nvidia-cudnn-cu12");
    }

    @Test
    void librariesOfTwoCudasAreToldOf() {
        assertThat(problems(13_000, 13_000, 12_080))
                .singleElement()
                .asString()
                .contains("cuBLASLt is built for CUDA 13, cuDNN for CUDA 12");
    }

    @Test
    void aGpuBelowThePtxTargetIsToldOfWithTheRemedy() {
        List<GpuStatus> turing = List.of(new GpuStatus("Tesla T4", 75, 40, 16L << 30));
        assertThat(CudaProbe.problems(new CudaProbe.Versions(13_000, 13_000, 13_000), turing))
                .singleElement()
                .asString()
                .contains("Tesla T4", "7.5", "8.0", "CUDA_VISIBLE_DEVICES", "device=cpu");
    }

    @Test
    void noGpuIsToldOf() {
        assertThat(CudaProbe.problems(new CudaProbe.Versions(13_000, 13_000, 13_000), List.of()))
                .singleElement()
                .asString()
                .contains("no GPU", "CUDA_VISIBLE_DEVICES");
    }

    /** What the checks above assume of the kernels. */
    @Test
    void thePtxThatShipsIsForThisTargetAndVersion() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("main", "resources", "io", "culvert", "ptx"))) {
            assertThat(files.filter(file -> file.toString().endsWith(".ptx")).toList())
                    .isNotEmpty()
                    .allSatisfy(file -> assertThat(file)
                            .content()
                            .containsPattern("(?m)^\\.target sm_" + CudaProbe.PTX_TARGET + "$")
                            .containsPattern("(?m)^\\.version 8\\.0$"));
        }
    }
}
