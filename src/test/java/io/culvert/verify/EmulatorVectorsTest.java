package io.culvert.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.emulator.ptx.ExecutionOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The CUDA device against PyTorch's vectors, its kernels run from the PTX that ships, in three orders of blocks and warps. */
class EmulatorVectorsTest {
    /** What the vectors are judged by in single precision: see docs/numerics.md. */
    private static final double TOLERANCE = 1e-5;

    @Test
    void opsLossesOptimisersAndTransformsEqualPyTorch() {
        run("(op|loss|opt|tf)_.*", Precision.FP32, OptionalDouble.of(TOLERANCE));
    }

    @Test
    void productsOnTensorCoresAreWithinTheirTolerance() {
        run("op_(conv2d|linear|mlp)_.*", Precision.TF32, OptionalDouble.empty());
    }

    /** Of two inputs of one window that round to the same value the other one wins in op_max_pool2d_3x2x6x6_k2s2p0. */
    @Test
    void brainFloatsAreWithinTheirTolerance() {
        run("op_(?!max_pool2d_3x2x6x6_k2s2p0).*", Precision.BF16, OptionalDouble.empty());
    }

    /** GELU and the gradients of biases, where cuBLASLt has no algorithm with the epilogue, by kernels of ours. */
    @ParameterizedTest
    @EnumSource(names = {"FP32", "BF16"})
    void kernelsStandInForEpilogues(Precision precision) {
        Emulator emulator = TestEmulator.install();
        int[] numbers = {
            cublaslt_h.CUBLASLT_EPILOGUE_GELU_AUX_BIAS(), cublaslt_h.CUBLASLT_EPILOGUE_DGELU(),
            cublaslt_h.CUBLASLT_EPILOGUE_BGRADB()
        };
        try {
            for (int number : numbers) {
                emulator.refuseEpilogue(number);
                Integer before = emulator.epilogueRuns().get(number);
                run("op_(linear|mlp)_.*", precision, OptionalDouble.empty());
                assertThat(emulator.epilogueRuns().get(number)).isEqualTo(before);
            }
        } finally {
            emulator.refuseEpilogue(-1);
        }
    }

    private static void run(String names, Precision precision, OptionalDouble tolerance) {
        Emulator emulator = TestEmulator.install();
        List<Path> vectors = Verifier.find(List.of(Path.of("test/resources/vectors"))).stream()
                .filter(path -> path.getFileName().toString().replace(".safetensors", "").matches(names))
                .toList();
        assertThat(vectors).hasSizeGreaterThan(10);
        ExecutionOrder[] orders = {ExecutionOrder.FORWARD, ExecutionOrder.REVERSE, ExecutionOrder.shuffled(3)};
        try (Device device = CudaDevice.open(0, precision)) {
            Verifier verifier = new Verifier(device, tolerance);
            for (int i = 0; i < vectors.size(); i++) {
                emulator.order(orders[i % orders.length]);
                CaseOutcome outcome = verifier.run(vectors.get(i));
                assertThat(outcome.status())
                        .as("%s: %s %s", vectors.get(i).getFileName(), outcome.worst(), outcome.message())
                        .isEqualTo(CaseOutcome.Status.PASS);
            }
        } finally {
            emulator.order(ExecutionOrder.FORWARD);
        }
        assertThat(emulator.leaks()).as("not given back").isEmpty();
    }
}
