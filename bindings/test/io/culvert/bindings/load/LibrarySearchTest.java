package io.culvert.bindings.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrarySearchTest {
    @TempDir
    private Path folder;

    private final Map<String, String> properties = new HashMap<>();
    private final Map<String, String> environment = new HashMap<>();

    /** This machine's platform, an empty home and file system, and no jars. */
    private Surroundings bare(ClassLoader classLoader) {
        properties.put("os.name", "Linux");
        properties.put("os.arch", "amd64");
        properties.put("user.home", folder.resolve("home").toString());
        environment.putIfAbsent("CULVERT_CACHE", folder.resolve("cache").toString());
        return new Surroundings(properties::get, environment::get, folder, classLoader);
    }

    private Surroundings bare() {
        return bare(new URLClassLoader(new URL[0], null));
    }

    @Test
    void missingLibrarySaysWhatWasTriedWhyItFailedAndTheRemedy() {
        assertThatThrownBy(() -> new LibrarySearch(bare()).open(NativeLibrary.CUDNN))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("cuDNN (libcudnn.so.9)")
                .hasMessageContaining("property culvert.cudnn.path: not set")
                .hasMessageContaining("LD_LIBRARY_PATH: no such folder")
                .hasMessageContaining("/usr/local/cuda*/lib64: no such folder")
                .hasMessageContaining("cannot open shared object file: No such file or directory")
                .hasMessageContaining("pip install nvidia-cudnn-cu13")
                .hasMessageNotContaining("\n");
    }

    @Test
    void libraryThatLinuxRefusesGivesTheReasonOfDlopen() throws IOException {
        Path bad = Files.writeString(folder.resolve("libdnnl.so.3"), "this is not a shared library");
        properties.put("culvert.dnnl.path", folder.toString());
        assertThatThrownBy(() -> new LibrarySearch(bare()).open(NativeLibrary.DNNL))
                .hasMessageContaining(bad.toString())
                .hasMessageContaining("file too short");
    }

    @Test
    void userChoiceIsTheOnlyPlaceTried() {
        properties.put("culvert.leptonica.path", "/nowhere/libleptonica.so.6");
        assertThatThrownBy(() -> new LibrarySearch(bare(getClass().getClassLoader())).open(NativeLibrary.LEPTONICA))
                .isInstanceOfSatisfying(NativeLibraryException.class, e -> assertThat(e.attempts())
                        .hasSize(1)
                        .first()
                        .extracting(NativeLibraryException.Attempt::place)
                        .isEqualTo("/nowhere/libleptonica.so.6"));
    }

    @Test
    void environmentVariableIsReadAsWell() {
        environment.put("CULVERT_LEPTONICA_PATH", "/nowhere/else");
        assertThatThrownBy(() -> new LibrarySearch(bare(getClass().getClassLoader())).open(NativeLibrary.LEPTONICA))
                .hasMessageContaining("tried /nowhere/else:");
    }

    @Test
    void wheelOfAnActiveEnvironmentIsFound() throws IOException {
        Path lib = Files.createDirectories(folder.resolve("venv/lib/python3.12/site-packages/nvidia/nvtx/lib"));
        Files.copy(someLibrary(), lib.resolve("libnvtx3interop.so.1"));
        environment.put("VIRTUAL_ENV", folder.resolve("venv").toString());
        MemorySegment handle = new LibrarySearch(bare()).open(NativeLibrary.NVTX);
        assertThat(Dl.path(handle)).startsWith(lib.toString());
    }

    @Test
    void toolkitComesBeforeWheelsAndLibraryPathBeforeBoth() throws IOException {
        Path toolkit = Files.createDirectories(folder.resolve("usr/local/cuda-13.0/lib64"));
        Path wheel = Files.createDirectories(folder.resolve("usr/lib/python3/dist-packages/nvidia/cu13/lib"));
        Path own = Files.createDirectories(folder.resolve("own"));
        for (Path place : List.of(toolkit, wheel)) {
            Files.copy(someLibrary(), place.resolve("libnvrtc.so.13"));
        }
        assertThat(Dl.path(new LibrarySearch(bare()).open(NativeLibrary.NVRTC))).startsWith(toolkit.toString());
        Files.copy(someLibrary(), own.resolve("libnvrtc.so.13"));
        environment.put("LD_LIBRARY_PATH", own.toString());
        assertThat(Dl.path(new LibrarySearch(bare()).open(NativeLibrary.NVRTC))).startsWith(own.toString());
    }

    @Test
    void cuptiIsFoundBesideTheToolkitsOtherLibraries() throws IOException {
        Path extras = Files.createDirectories(folder.resolve("usr/local/cuda-13.0/extras/CUPTI/lib64"));
        Files.copy(someLibrary(), extras.resolve("libcupti.so.13"));
        assertThat(Dl.path(new LibrarySearch(bare()).open(NativeLibrary.CUPTI))).startsWith(extras.toString());
    }

    @Test
    void jarIsUnpackedOnceByAnyNumberOfStartsAtATime() throws Exception {
        Surroundings surroundings = bare(getClass().getClassLoader());
        Callable<Path> start = () -> new JarNatives(surroundings).folder(Jar.LEPTONICA);
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Path> unpacked : threads.invokeAll(List.of(start, start, start, start))) {
                assertThat(unpacked.get()).isEqualTo(start.call());
            }
        }
        Path file = start.call().resolve("libleptonica.so.6");
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertThat(files).as("no part left over").containsExactly(file);
        }
        FileTime old = FileTime.fromMillis(1_000_000);
        Files.setLastModifiedTime(file, old);
        start.call();
        assertThat(Files.getLastModifiedTime(file)).as("not written again").isEqualTo(old);
        Files.write(file, new byte[10]);
        start.call();
        assertThat(Files.size(file)).as("a damaged copy is replaced").isGreaterThan(1_000_000);
    }

    @Test
    void cacheThatCannotBeWrittenIsNamed() throws IOException {
        Path file = Files.createFile(folder.resolve("not-a-folder"));
        environment.put("CULVERT_CACHE", file.toString());
        assertThatThrownBy(() -> new LibrarySearch(bare(getClass().getClassLoader())).open(NativeLibrary.LEPTONICA))
                .hasMessageContaining("cannot be unpacked into " + file);
    }

    @Test
    void settingOfTheUserWinsOverOurs() {
        assertThat(NativeLibrary.setEnvironment("CULVERT_TEST_SETTING", "first")).isEqualTo("first");
        assertThat(NativeLibrary.setEnvironment("CULVERT_TEST_SETTING", "second")).isEqualTo("first");
    }

    @Test
    void unknownFunctionNamesTheLibraryAndItsFile() {
        assertThatThrownBy(() -> NativeLibrary.LEPTONICA.symbol("pixThatNeverWas"))
                .isInstanceOf(UnsatisfiedLinkError.class)
                .hasMessageContaining("pixThatNeverWas")
                .hasMessageContaining("libleptonica.so.6");
    }

    /** Any library that the linker accepts under another file name. */
    private Path someLibrary() throws IOException {
        return new JarNatives(bare(getClass().getClassLoader())).folder(Jar.DNNL).resolve("libgomp.so.1");
    }
}
