package io.culvert.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.culvert.bindings.cublas.cublas_h;
import io.culvert.bindings.cublaslt.cublaslt_h;
import io.culvert.bindings.cuda.cuda_h;
import io.culvert.bindings.cudnn.cudnn_h;
import io.culvert.bindings.cupti.CUpti_ActivityExternalCorrelation;
import io.culvert.bindings.cupti.CUpti_ActivityKernel10;
import io.culvert.bindings.cupti.CUpti_ActivityMemcpy6;
import io.culvert.bindings.cupti.CUpti_ActivityMemset4;
import io.culvert.bindings.cupti.cupti_h;
import io.culvert.bindings.nccl.nccl_h;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every simulated function takes and returns what the one in NVIDIA's headers does. */
class SignaturesTest {
    static Stream<Arguments> libraries() {
        return Stream.of(
                Arguments.of(SimulatedDriver.class, cuda_h.class),
                Arguments.of(SimulatedCublasLt.class, cublaslt_h.class),
                Arguments.of(SimulatedCublas.class, cublas_h.class),
                Arguments.of(SimulatedCudnn.class, cudnn_h.class),
                Arguments.of(SimulatedNccl.class, nccl_h.class),
                Arguments.of(SimulatedCupti.class, cupti_h.class));
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void equalThoseOfTheHeaders(Class<?> simulated, Class<?> bindings) throws ReflectiveOperationException {
        assumeTrue(Emulator.isBuilt(), "the bindings' classes need a library to load: the emulator's were not built");
        Emulator.install();
        int functions = 0;
        for (Method method : simulated.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers())) {
                FunctionDescriptor real = (FunctionDescriptor)
                        bindings.getMethod(method.getName() + "$descriptor").invoke(null);
                assertThat(carriers(SimulatedLibrary.descriptor(method)))
                        .as(method.getName())
                        .isEqualTo(carriers(real));
                functions++;
            }
        }
        assertThat(functions).isPositive();
    }

    /** Records follow each other in a buffer, so that each has to be as long as in the headers. */
    @Test
    void recordsAreAsLongAsThoseOfTheHeaders() {
        assertThat(SimulatedCupti.KERNEL_BYTES).isEqualTo((int) CUpti_ActivityKernel10.sizeof());
        assertThat(SimulatedCupti.MEMCPY_BYTES).isEqualTo((int) CUpti_ActivityMemcpy6.sizeof());
        assertThat(SimulatedCupti.MEMSET_BYTES).isEqualTo((int) CUpti_ActivityMemset4.sizeof());
        assertThat(SimulatedCupti.EXTERNAL_BYTES).isEqualTo((int) CUpti_ActivityExternalCorrelation.sizeof());
    }

    /** What of a layout decides how a value travels. */
    private static List<String> carriers(FunctionDescriptor descriptor) {
        List<String> carriers = new ArrayList<>();
        Optional<MemoryLayout> result = descriptor.returnLayout();
        carriers.add(result.map(SignaturesTest::carrier).orElse("void"));
        descriptor.argumentLayouts().forEach(layout -> carriers.add(carrier(layout)));
        return carriers;
    }

    private static String carrier(MemoryLayout layout) {
        return layout instanceof ValueLayout value
                ? value.carrier().getSimpleName()
                : "struct of " + layout.byteSize() + " bytes";
    }
}
