package io.culvert.device.cuda;

import io.culvert.CulvertException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** One of our PTX files, loaded into the context. */
final class CudaModule implements AutoCloseable {
    private final String name;
    private final MemorySegment handle;
    private final Map<String, List<Integer>> signatures;

    /** @param name of the file {@code kernels/<name>.cu} that it was compiled from */
    CudaModule(String name) {
        this.name = name;
        String ptx = text(name);
        signatures = PtxSignatures.of(ptx);
        try (Arena call = Arena.ofConfined()) {
            handle = Driver.moduleLoadData(name + ".ptx", call.allocateFrom(ptx));
        }
    }

    private static String text(String name) {
        String path = "/io/culvert/ptx/" + name + ".ptx";
        try (InputStream in = CudaModule.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalArgumentException(path + " is not on the class path: run kernels/build.sh");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw CulvertException.device(e, "%s: cannot read: %s", path, e.getMessage());
        }
    }

    /** A kernel of this file and the bytes of its parameters. */
    record Function(String name, MemorySegment handle, List<Integer> parameterBytes) {}

    Function function(String kernel) {
        List<Integer> bytes = signatures.get(kernel);
        if (bytes == null) {
            throw new IllegalArgumentException(name + ".ptx has no kernel " + kernel);
        }
        return new Function(kernel, Driver.moduleGetFunction(handle, kernel), bytes);
    }

    @Override
    public void close() {
        Driver.moduleUnload(handle);
    }
}
