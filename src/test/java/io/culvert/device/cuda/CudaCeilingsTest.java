package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.cuda.CudaCeilings.Sizes;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import io.culvert.profile.Ceilings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** That measuring runs, gives back what it took and says what it did; on the emulator the rates mean nothing. */
class CudaCeilingsTest {
    private static final long MIB = 1 << 20;

    private Emulator emulator;

    @BeforeEach
    void install() {
        emulator = TestEmulator.install();
    }

    @AfterEach
    void nothingIsLeft() {
        if (emulator != null) {
            emulator.memory(Emulator.USUAL_MEMORY);
            assertThat(emulator.leaks()).as("not given back").isEmpty();
        }
    }

    @Test
    void measuresInThePrecisionThatIsTrainedIn() {
        try (CudaContext cuda = CudaContext.open(0, false)) {
            Ceilings rates = CudaCeilings.measure(cuda, "a GPU", Element.BFLOAT16, new Sizes(64, 8 * MIB));
            assertThat(rates.measured()).isTrue();
            assertThat(rates.flops()).isBetween(1e3, 1e12);
            assertThat(rates.bytes()).isBetween(1e6, 1e14);
            assertThat(rates.launch()).isBetween(1e-8, 1e-2);
            assertThat(rates.device()).isEqualTo("a GPU");
            assertThat(rates.how()).isEqualTo("a product of 64x64 in bf16, a copy of 8 MiB");
        }
        try (CudaContext cuda = CudaContext.open(0, true)) {
            assertThat(CudaCeilings.measure(cuda, "a GPU", Element.FLOAT, new Sizes(32, MIB)).how()).contains("32x32 in tf32");
        }
        try (CudaContext cuda = CudaContext.open(0, false)) {
            assertThat(CudaCeilings.measure(cuda, "a GPU", Element.FLOAT, new Sizes(32, MIB)).how()).contains("32x32 in fp32");
        }
    }

    @Test
    void takesLessWhereMemoryIsShort() {
        emulator.memory(100 * MIB);
        try (CudaContext cuda = CudaContext.open(0, false)) {
            // Half of what is free is 45 MiB: two sides of 16 MiB fit in, two of 32 do not.
            cuda.allocate("the run's", 10 * MIB);
            Ceilings rates = CudaCeilings.measure(cuda, "a GPU", Element.FLOAT, new Sizes(256, 64 * MIB));
            assertThat(rates.how()).isEqualTo("a product of 256x256 in fp32, a copy of 16 MiB");
        }
    }

    @Test
    void saysWhenThereIsTooLittle() {
        emulator.memory(20 * MIB);
        try (CudaContext cuda = CudaContext.open(0, false)) {
            Ceilings rates = CudaCeilings.measure(cuda, "a GPU", Element.FLOAT, new Sizes(64, 128 * MIB));
            assertThat(rates.measured()).isFalse();
            assertThat(rates.how()).isEqualTo("of the GPU's memory 20 MiB are free, too few for a large product and a long copy");
        }
    }
}
