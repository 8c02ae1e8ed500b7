package io.culvert.bindings.load;

import java.nio.file.Path;
import java.util.Locale;
import java.util.function.UnaryOperator;

/**
 * What a search for libraries depends on outside the code, so that a test can give its own.
 *
 * @param property system properties by name, null where unset
 * @param environment environment variables by name, null where unset
 * @param root where the file system begins
 * @param classLoader finds the jars with natives
 */
record Surroundings(
        UnaryOperator<String> property, UnaryOperator<String> environment, Path root, ClassLoader classLoader) {

    static Surroundings ofProcess() {
        return new Surroundings(
                System::getProperty, System::getenv, Path.of("/"), Surroundings.class.getClassLoader());
    }

    /** The Maven classifier of this machine, such as {@code linux-x86_64}. */
    String platform() {
        String os = property.apply("os.name").toLowerCase(Locale.ROOT);
        String arch = property.apply("os.arch");
        return (os.startsWith("linux") ? "linux" : os.startsWith("mac") ? "macosx" : os.replace(" ", "-"))
                + "-"
                + (arch.equals("amd64") ? "x86_64" : arch.equals("aarch64") ? "arm64" : arch);
    }

    /** Where natives are unpacked: {@code CULVERT_CACHE}, else {@code $XDG_CACHE_HOME/culvert}, else in the home. */
    Path cache() {
        String own = environment.apply("CULVERT_CACHE");
        if (own != null && !own.isBlank()) {
            return Path.of(own);
        }
        String xdg = environment.apply("XDG_CACHE_HOME");
        return xdg != null && xdg.startsWith("/")
                ? Path.of(xdg, "culvert")
                : Path.of(property.apply("user.home"), ".cache", "culvert");
    }
}
