package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
    private final DeviceMemory memory = new DeviceMemory();

    @Test
    void freshMemoryIsAlignedAndNan() {
        long address = memory.allocate(100, "a");
        assertThat(address % DeviceMemory.ALIGNMENT).isZero();
        assertThat(memory.segment(address, 4).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0))
                .isNaN();
        assertThat(memory.allocatedBytes()).isEqualTo(100);
        assertThat(memory.blockLabels()).containsValue("a");
    }

    @Test
    void knowsWhatWasWritten() {
        long address = memory.allocate(1000, "a");
        assertThat(memory.firstUnwritten(address, 1000)).isEqualTo(address);
        memory.write(address, MemorySegment.ofArray(new byte[] {1, 2, 3}));
        assertThat(memory.firstUnwritten(address, 1000)).isEqualTo(address + 3);
        memory.markWritten(address + 5, 700);
        assertThat(memory.firstUnwritten(address + 5, 995)).isEqualTo(address + 705);
        memory.fill(address, 1000, (byte) 7);
        assertThat(memory.firstUnwritten(address, 1000)).isEqualTo(-1);
        byte[] back = new byte[1000];
        memory.read(address, MemorySegment.ofArray(back));
        assertThat(back).containsOnly(7);
    }

    @Test
    void refusesRangesOutsideABlock() {
        long address = memory.allocate(64, "small");
        assertThatThrownBy(() -> memory.fill(address, 65, (byte) 0))
                .hasMessageContaining("0 bytes into 'small' (64 bytes), running past its end by 1");
        assertThatThrownBy(() -> memory.segment(address - 8, 4)).hasMessageContaining("8 bytes before 'small'");
        assertThatThrownBy(() -> memory.free(address + 1)).hasMessageContaining("1 bytes into 'small'");
        memory.free(address);
        assertThatThrownBy(() -> memory.free(address)).hasMessageContaining("which was freed");
    }

    @Test
    void seesOverwrittenGuards() {
        long address = memory.allocate(64, "small");
        memory.checkGuards();
        // Reaches past the end as C code could.
        MemorySegment.ofAddress(address + 64).reinterpret(1).set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
        assertThatThrownBy(memory::checkGuards)
                .hasMessage("guard bytes of 'small' (64 bytes) were overwritten at offset 64");
    }
}
