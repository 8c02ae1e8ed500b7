package io.culvert.bindings.load;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The shared libraries that the generated bindings call. Each is opened once, at the first call that needs it, from the
 * first of these places that has it:
 *
 * <ol>
 *   <li>the system property {@code culvert.<key>.path} or the environment variable {@code CULVERT_<KEY>_PATH}: a file,
 *       or a folder that holds it. If set, no other place is tried;
 *   <li>the natives inside the jars on the class path, copied once into the user's cache folder;
 *   <li>{@code LD_LIBRARY_PATH};
 *   <li>for NVIDIA's libraries {@code /usr/local/cuda*}, then pip's {@code site-packages/nvidia/*}{@code /lib};
 *   <li>the linker's own search (ldconfig).
 * </ol>
 */
public enum NativeLibrary {
    /** The OpenMP runtime that oneDNN runs on; it must be the one that came with it, or one compatible. */
    OMP("GNU OpenMP", Jar.DNNL, List.of("libgomp.so.1"), List.of(), "install libgomp (Debian: libgomp1)"),
    DNNL("oneDNN", Jar.DNNL, List.of("libdnnl.so.3"), List.of(OMP), Remedy.JAR.formatted("dnnl")),
    LEPTONICA("leptonica", Jar.LEPTONICA, List.of("libleptonica.so.6"), List.of(), Remedy.JAR.formatted("leptonica")),

    /** The driver: there is one right copy of it, the one that fits the kernel module. */
    CUDA("CUDA driver", List.of("libcuda.so.1"), List.of(), List.of(), "install NVIDIA's driver"),
    CUBLASLT(
            "cuBLASLt",
            List.of("libcublasLt.so.13", "libcublasLt.so.12"),
            List.of(),
            List.of(),
            Remedy.PIP.formatted("nvidia-cublas", "cublaslt")),
    CUBLAS(
            "cuBLAS",
            List.of("libcublas.so.13", "libcublas.so.12"),
            List.of(CUBLASLT),
            List.of(),
            Remedy.PIP.formatted("nvidia-cublas", "cublas")),
    /** Not bound: cuDNN's engines that are compiled at run time open it by name, and so find the copy opened here. */
    NVRTC(
            "NVRTC",
            List.of("libnvrtc.so.13", "libnvrtc.so.12"),
            List.of(),
            List.of(),
            Remedy.PIP.formatted("nvidia-cuda-nvrtc", "nvrtc")),
    CUDNN(
            "cuDNN",
            List.of("libcudnn.so.9"),
            List.of(CUBLASLT, CUBLAS),
            List.of(NVRTC),
            "pip install nvidia-cudnn-cu13, or point the property culvert.cudnn.path at the library"),
    /** What several GPUs exchange with; nothing else needs it. */
    NCCL(
            "NCCL",
            List.of("libnccl.so.2"),
            List.of(),
            List.of(),
            "pip install nvidia-nccl-cu13, or point the property culvert.nccl.path at the library (only several GPUs need it)"),
    /** Annotations for Nsight; nothing depends on it. */
    NVTX(
            "NVTX",
            List.of("libnvtx3interop.so.1"),
            List.of(),
            List.of(),
            "install the CUDA toolkit 13 (only profiling needs it)"),
    /** Records of what a GPU does; its structs are bound, so that those of another CUDA will not do. */
    CUPTI(
            "CUPTI",
            List.of("libcupti.so.13"),
            List.of(),
            List.of(),
            Remedy.PIP.formatted("nvidia-cuda-cupti", "cupti") + " (only profiling needs it)");

    /** The last place of the search, as {@link NativeLibraryException.Attempt#place} names it. */
    public static final String LINKERS_SEARCH = "the linker's own search";

    private static final class Remedy {
        static final String JAR = "run on Linux x86_64 with org.bytedeco:%1$s:linux-x86_64 on the class path (Maven "
                + "fetches it), or point the property culvert.%1$s.path at the library";
        static final String PIP = "pip install %s, or install the CUDA toolkit 13, or point the property "
                + "culvert.%s.path at the library";
    }

    private final String title;
    private final Jar jar;
    private final List<String> fileNames;
    private final List<NativeLibrary> needs;
    private final List<NativeLibrary> helpers;
    private final String remedy;
    private MemorySegment handle;

    /** A library that comes with Maven. */
    NativeLibrary(String title, Jar jar, List<String> fileNames, List<NativeLibrary> needs, String remedy) {
        this.title = title;
        this.jar = jar;
        this.fileNames = fileNames;
        this.needs = needs;
        this.helpers = List.of();
        this.remedy = remedy;
    }

    /** A library of NVIDIA's, which the user installs. */
    NativeLibrary(
            String title,
            List<String> fileNames,
            List<NativeLibrary> needs,
            List<NativeLibrary> helpers,
            String remedy) {
        this.title = title;
        this.jar = null;
        this.fileNames = fileNames;
        this.needs = needs;
        this.helpers = helpers;
        this.remedy = remedy;
    }

    /** The name people know it by. */
    public String title() {
        return title;
    }

    /** The name in the settings: {@code culvert.<key>.path}. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** File names that will do, best first. */
    public List<String> fileNames() {
        return fileNames;
    }

    /** What a user can do when it is missing. */
    public String remedy() {
        return remedy;
    }

    /** The artifact that carries it, null if none does. */
    Jar jar() {
        return jar;
    }

    boolean isNvidias() {
        return jar == null;
    }

    /**
     * Opens the library and those it needs, unless that is done. Call it before the first generated function: a
     * generated holder class whose initialisation failed stays failed, with a message that no user understands.
     *
     * @throws NativeLibraryException if no place has it; a later call looks again
     */
    public synchronized void open() {
        if (handle == null) {
            needs.forEach(NativeLibrary::open);
            helpers.forEach(NativeLibrary::tryOpen);
            handle = new LibrarySearch(Surroundings.ofProcess()).open(this);
        }
    }

    /** Opens the library if some place has it: {@link #open()} for those that can do without. */
    public boolean tryOpen() {
        try {
            open();
            return true;
        } catch (NativeLibraryException e) {
            return false;
        }
    }

    /** Whether {@link #open()} has succeeded. */
    public synchronized boolean isOpen() {
        return handle != null;
    }

    /** The file that the open library came from. */
    public synchronized Path path() {
        open();
        return Path.of(Dl.path(handle));
    }

    /**
     * The address of one of its functions; the generated code calls this once per function, at the first use.
     *
     * @throws NativeLibraryException if the library cannot be opened
     * @throws UnsatisfiedLinkError if it has no such function
     */
    public MemorySegment symbol(String name) {
        open();
        MemorySegment address = Dl.symbol(handle, name);
        if (address == null) {
            throw new UnsatisfiedLinkError("%s at %s has no %s: it is of another version than the bindings"
                    .formatted(title, path(), name));
        }
        return address;
    }

    /** Whether this is the platform that the jars carry libraries for, so that a missing one is a fault. */
    public static boolean platformHasNatives() {
        return Surroundings.ofProcess().platform().equals("linux-x86_64");
    }

    /**
     * Sets a variable in the C environment of this process, unless the user has set it: settings that a library reads
     * when it is loaded, such as {@code OMP_WAIT_POLICY} before {@link #OMP} is opened.
     *
     * @return the value that holds: the given one, or the user's
     */
    public static String setEnvironment(String name, String value) {
        return Dl.setDefaultEnvironment(name, value);
    }
}
