package io.culvert.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code culvert --version} prints: the program's version and the Java it runs on. */
public final class Version implements IVersionProvider {
    /** The version that Maven built, such as {@code 0.1.0}. */
    public static String culvert() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }

    /** One line: Java version, operating system and architecture. */
    public static String platform() {
        return "Java %s (%s) on %s %s"
                .formatted(
                        Runtime.version(),
                        System.getProperty("java.vendor"),
                        System.getProperty("os.name"),
                        System.getProperty("os.arch"));
    }

    @Override
    public String[] getVersion() {
        return new String[] {"culvert " + culvert(), platform()};
    }
}
