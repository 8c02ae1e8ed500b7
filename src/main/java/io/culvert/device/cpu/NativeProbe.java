package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import io.culvert.bindings.leptonica.leptonica_h;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import io.culvert.bindings.load.NativeLibraryException.Attempt;
import io.culvert.device.LibraryStatus;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/** Says which native libraries of the CPU path are there, and what oneDNN makes of the processor. */
public final class NativeProbe {
    private NativeProbe() {}

    /** The libraries that training on the CPU needs, in the order that they are loaded. */
    public static List<LibraryStatus> libraries() {
        return List.of(
                status(NativeLibrary.OMP, () -> null),
                status(NativeLibrary.DNNL, OneDnn::version),
                status(NativeLibrary.LEPTONICA, NativeProbe::leptonicaVersion));
    }

    /**
     * Opens one library and asks it for its version.
     *
     * @param version called only if the library opens
     */
    public static LibraryStatus status(NativeLibrary library, Supplier<String> version) {
        try {
            library.open();
            return new LibraryStatus(
                    library.title(), library.path().toString(), version.get(), List.of(), null, null);
        } catch (NativeLibraryException e) {
            NativeLibrary missing = e.library();
            List<String> tried = missing == library
                    ? e.attempts().stream().map(Attempt::toString).toList()
                    : List.of("needs " + missing.title() + ", which is missing");
            String broken = e.attempts().stream()
                    .filter(attempt -> isThere(library, attempt))
                    .map(Attempt::toString)
                    .findFirst()
                    .orElse(null);
            return new LibraryStatus(
                    library.title(), null, null, tried, missing == library ? broken : null, library.remedy());
        }
    }

    /** Whether an attempt failed on a file rather than for want of one: the linker names the file that it misses. */
    private static boolean isThere(NativeLibrary library, Attempt attempt) {
        return Files.isRegularFile(Path.of(attempt.place()))
                || attempt.place().equals(NativeLibrary.LINKERS_SEARCH)
                        && library.fileNames().stream()
                                .noneMatch(name -> attempt.reason().startsWith(name + ": cannot open shared object file"));
    }

    /** The best instruction set that oneDNN finds on this processor, such as {@code AVX-512 (avx512_core_vnni)}. */
    public static String instructionSet() {
        int isa = dnnl_h.dnnl_get_effective_cpu_isa();
        List<Isa> known = List.of(
                new Isa(dnnl_h.dnnl_cpu_isa_sse41(), "SSE 4.1"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx(), "AVX"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx2(), "AVX2"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx2_vnni(), "AVX2 with VNNI"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx2_vnni_2(), "AVX2 with VNNI 2"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx512_core(), "AVX-512"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx512_core_vnni(), "AVX-512 with VNNI"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx512_core_bf16(), "AVX-512 with bf16"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx512_core_fp16(), "AVX-512 with fp16"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx512_core_amx(), "AVX-512 with AMX"),
                new Isa(dnnl_h.dnnl_cpu_isa_avx512_core_amx_fp16(), "AVX-512 with AMX fp16"));
        return known.stream()
                .filter(candidate -> candidate.code() == isa)
                .map(Isa::name)
                .findFirst()
                .orElse("oneDNN's ISA code 0x" + Integer.toHexString(isa));
    }

    private record Isa(int code, String name) {}

    private static String leptonicaVersion() {
        MemorySegment text = leptonica_h.getLeptonicaVersion();
        String version = text.getString(0).replace("leptonica-", "");
        leptonica_h.lept_free(text);
        return version;
    }
}
