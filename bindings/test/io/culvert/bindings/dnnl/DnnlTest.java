package io.culvert.bindings.dnnl;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.omp.omp_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class DnnlTest {
    @Test
    void libraryIsOfTheVersionThatTheBindingsWereMadeFrom() {
        NativeLibrary.DNNL.open();
        MemorySegment version = dnnl_version_t.reinterpret(dnnl_h.dnnl_version(), Arena.global(), null);
        assertThat(dnnl_version_t.major(version)).isEqualTo(dnnl_h.DNNL_VERSION_MAJOR());
        assertThat(dnnl_version_t.minor(version)).isEqualTo(dnnl_h.DNNL_VERSION_MINOR());
        assertThat(dnnl_version_t.cpu_runtime(version)).as("OpenMP").isEqualTo(2);
    }

    @Test
    void multipliesTwoMatrices() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment a = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
            MemorySegment b = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 7, 8, 9);
            MemorySegment c = arena.allocate(ValueLayout.JAVA_FLOAT, 2);
            int status = dnnl_h.dnnl_sgemm((byte) 'N', (byte) 'N', 2, 1, 3, 1f, a, 3, b, 1, 0f, c, 1);
            assertThat(status).isEqualTo(dnnl_h.dnnl_success());
            assertThat(c.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(50, 122);
        }
    }

    @Test
    void openMpRuntimeIsTheOneBesideOneDnn() {
        NativeLibrary.DNNL.open();
        assertThat(NativeLibrary.OMP.path().getParent()).isEqualTo(NativeLibrary.DNNL.path().getParent());
        int threads = omp_h.omp_get_max_threads();
        omp_h.omp_set_num_threads(threads + 1);
        assertThat(omp_h.omp_get_max_threads()).isEqualTo(threads + 1);
        omp_h.omp_set_num_threads(threads);
    }
}
