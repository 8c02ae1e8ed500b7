package io.culvert.bindings.load;

import io.culvert.bindings.load.NativeLibraryException.Attempt;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** One search for one library, keeping what was tried and why it did not do. */
final class LibrarySearch {
    private final Surroundings surroundings;
    private final List<Attempt> attempts = new ArrayList<>();

    LibrarySearch(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /**
     * A handle of the library, from the first place that has it (see {@link NativeLibrary}).
     *
     * @throws NativeLibraryException if none has
     */
    MemorySegment open(NativeLibrary library) {
        String chosen = chosen(library);
        MemorySegment handle = chosen != null ? fromChosen(library, chosen) : fromAnywhere(library);
        if (handle == null) {
            throw new NativeLibraryException(library, attempts);
        }
        return handle;
    }

    private String chosen(NativeLibrary library) {
        String property = surroundings.property().apply("culvert." + library.key() + ".path");
        return property != null
                ? property
                : surroundings.environment().apply("CULVERT_" + library.key().toUpperCase(Locale.ROOT) + "_PATH");
    }

    private MemorySegment fromChosen(NativeLibrary library, String chosen) {
        Path path = Path.of(chosen);
        return Files.isDirectory(path)
                ? fromFolders(library, path.toString(), List.of(path))
                : fromFile(path.toString(), path.toString());
    }

    private MemorySegment fromAnywhere(NativeLibrary library) {
        attempts.add(new Attempt("property culvert." + library.key() + ".path", "not set"));
        MemorySegment handle = fromJar(library);
        handle = handle != null ? handle : fromFolders(library, "LD_LIBRARY_PATH", libraryPath());
        if (library.isNvidias()) {
            NvidiaFolders nvidia = new NvidiaFolders(surroundings);
            handle = handle != null ? handle : fromFolders(library, "/usr/local/cuda*/lib64", nvidia.toolkits());
            handle = handle != null ? handle : fromFolders(library, "pip's nvidia/*/lib", nvidia.wheels());
        }
        for (String name : library.fileNames()) {
            handle = handle != null ? handle : fromFile(NativeLibrary.LINKERS_SEARCH, name);
        }
        return handle;
    }

    private MemorySegment fromJar(NativeLibrary library) {
        Jar jar = library.jar();
        if (jar == null) {
            return null;
        }
        String place = "jar org.bytedeco:" + jar.artifact() + ":" + surroundings.platform();
        try {
            Path folder = new JarNatives(surroundings).folder(jar);
            if (folder != null) {
                return fromFolders(library, folder.toString(), List.of(folder));
            }
            attempts.add(new Attempt(place, "not on the class path"));
        } catch (IOException e) {
            attempts.add(new Attempt(place, "cannot be unpacked into " + surroundings.cache() + " (" + e + ")"));
        }
        return null;
    }

    private List<Path> libraryPath() {
        String value = surroundings.environment().apply("LD_LIBRARY_PATH");
        List<Path> folders = new ArrayList<>();
        for (String folder : value == null ? new String[0] : value.split(":")) {
            if (!folder.isBlank()) {
                folders.add(Path.of(folder));
            }
        }
        return folders;
    }

    private MemorySegment fromFolders(NativeLibrary library, String place, List<Path> folders) {
        int before = attempts.size();
        for (Path folder : folders) {
            MemorySegment handle = fromFolder(library, folder);
            if (handle != null) {
                return handle;
            }
        }
        if (attempts.size() == before) {
            String there = folders.isEmpty() ? "no such folder" : folders.size() + " folders, none has the file";
            attempts.add(new Attempt(place, there));
        }
        return null;
    }

    private MemorySegment fromFolder(NativeLibrary library, Path folder) {
        for (String name : library.fileNames()) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                if (library == NativeLibrary.NVRTC) {
                    openBuiltins(folder);
                }
                return fromFile(file.toString(), file.toString());
            }
        }
        return null;
    }

    /** NVRTC opens its builtins by name only: they have to be there already. */
    private static void openBuiltins(Path folder) {
        NvidiaFolders.matching(folder, "libnvrtc-builtins.so.*").forEach(file -> Dl.open(file.toString()));
    }

    private MemorySegment fromFile(String place, String pathOrName) {
        Dl.Opened opened = Dl.open(pathOrName);
        if (opened.failed()) {
            attempts.add(new Attempt(place, opened.reason()));
        }
        return opened.handle();
    }
}
