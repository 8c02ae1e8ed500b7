package io.culvert.bindings.layout;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/** Where the C headers are on this machine. */
final class Headers {
    private Headers() {}

    static boolean compilerIsThere() {
        for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
            if (Files.isExecutable(Path.of(folder, "cc"))) {
                return true;
            }
        }
        return false;
    }

    /** The include folder out of a jar with natives, copied below {@code target}. */
    static Path fromJar(String artifact, Path target) throws IOException {
        String library = artifact.equals("dnnl") ? "libdnnl.so.3" : "libleptonica.so.6";
        String folder = "org/bytedeco/" + artifact + "/linux-x86_64/";
        URL url = Objects.requireNonNull(Headers.class.getClassLoader().getResource(folder + library), folder);
        JarURLConnection connection = (JarURLConnection) url.openConnection();
        connection.setUseCaches(false);
        try (JarFile jar = connection.getJarFile()) {
            for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
                if (entry.getName().startsWith(folder + "include/") && !entry.isDirectory()) {
                    Path copy = target.resolve(entry.getName());
                    Files.createDirectories(copy.getParent());
                    try (InputStream in = jar.getInputStream(entry)) {
                        Files.copy(in, copy);
                    }
                }
            }
        }
        return target.resolve(folder + "include");
    }

    /** The folders that native/generate-bindings.sh would take, and in its order. */
    static List<Path> nvidiaFolders() {
        List<Path> folders = new ArrayList<>();
        for (String variable : List.of("CUBLAS_INCLUDE", "CUDNN_INCLUDE", "NCCL_INCLUDE")) {
            if (System.getenv(variable) != null) {
                folders.add(Path.of(System.getenv(variable)));
            }
        }
        String cuda = System.getenv("CUDA_HOME");
        folders.add(Path.of(cuda == null ? "/usr/local/cuda" : cuda, "include"));
        return folders;
    }
}
