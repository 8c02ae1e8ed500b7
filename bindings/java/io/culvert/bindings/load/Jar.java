package io.culvert.bindings.load;

import java.util.List;

/** The Maven artifacts whose jars carry shared libraries, with the files to take out of each. */
enum Jar {
    DNNL("dnnl", List.of("libgomp.so.1", "libdnnl.so.3")),
    LEPTONICA("leptonica", List.of("libleptonica.so.6"));

    private final String artifact;
    private final List<String> files;

    Jar(String artifact, List<String> files) {
        this.artifact = artifact;
        this.files = files;
    }

    String artifact() {
        return artifact;
    }

    /** The shared libraries wanted; all of them lie in one folder, so that each finds the others. */
    List<String> files() {
        return files;
    }

    /** The folder inside the jar. */
    String folder(String platform) {
        return "org/bytedeco/" + artifact + "/" + platform + "/";
    }
}
