package io.culvert;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What this program runs on, to start it once more. */
public final class ThisJvm {
    private ThisJvm() {}

    /** This JVM's program, flags and class path; what follows is the main class and its arguments. */
    public static List<String> command() {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            // An agent belongs to this process: a second one would write over its files or want its port.
            if (!flag.startsWith("-agentlib:") && !flag.startsWith("-javaagent:")) {
                command.add(flag);
            }
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        return command;
    }
}
