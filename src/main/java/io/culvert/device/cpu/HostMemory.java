package io.culvert.device.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.CulvertException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Anonymous memory straight from the operating system: zero-filled, 2 MiB aligned, huge pages asked for. A training
 * step streams hundreds of megabytes; with 4 KiB pages the TLB misses and first-touch faults cost more than some ops.
 */
public final class HostMemory {
    private static final long HUGE_PAGE = 2L << 20;
    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000;
    private static final int MADV_HUGEPAGE = 14;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MMAP = handle(
            "mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
            handle("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle MADVISE =
            handle("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private HostMemory() {}

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), descriptor);
    }

    /** Pages are taken from the system when first touched, so reserving generously costs nothing. */
    public static MemorySegment map(long bytes) {
        long size = mappedSize(bytes);
        try {
            MemorySegment raw = (MemorySegment)
                    MMAP.invokeExact(MemorySegment.NULL, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
            if (raw.address() == -1L) {
                throw CulvertException.device(
                        "the system refused %,d MiB of memory (mmap): use a smaller batch or image size, or raise `ulimit -v`",
                        bytes >> 20);
            }
            long start = (raw.address() + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
            if (bytes >= HUGE_PAGE) {
                // Advice only: without huge pages everything still works, with more TLB misses.
                int ignored =
                        (int) MADVISE.invokeExact(MemorySegment.ofAddress(start), size - HUGE_PAGE, MADV_HUGEPAGE);
            }
            return MemorySegment.ofAddress(start).reinterpret(bytes);
        } catch (Throwable thrown) {
            throw Calls.rethrow(thrown);
        }
    }

    /** Gives back what {@link #map} returned. */
    public static void unmap(MemorySegment segment) {
        try {
            // The alignment slack before and after is address space without pages; only the pages matter.
            int ignored = (int) MUNMAP.invokeExact(segment, mappedSize(segment.byteSize()) - HUGE_PAGE);
        } catch (Throwable thrown) {
            throw Calls.rethrow(thrown);
        }
    }

    private static long mappedSize(long bytes) {
        return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE;
    }
}
