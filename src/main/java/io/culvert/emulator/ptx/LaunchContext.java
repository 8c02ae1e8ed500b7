package io.culvert.emulator.ptx;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ToLongFunction;

/** What is common to all blocks of a launch. */
final class LaunchContext {
    final Launch launch;
    final DeviceMemory memory;
    final ExecutionOrder order;
    final long instructionBudget;
    final boolean findRaces;
    final boolean findUninitialised;
    final Region params;
    final LinkedCode entry;
    private final Map<String, LinkedCode> linked = new HashMap<>();
    private final ToLongFunction<String> addresses;

    LaunchContext(
            Launch launch,
            Interpreter interpreter,
            ExecutionOrder order,
            Region params,
            ToLongFunction<String> addresses) {
        this.launch = launch;
        this.order = order;
        this.params = params;
        this.addresses = addresses;
        memory = interpreter.memory();
        instructionBudget = interpreter.instructionBudget();
        findRaces = interpreter.findsRaces();
        findUninitialised = interpreter.findsUninitialised();
        entry = linked(launch.kernel().name());
    }

    LinkedCode linked(String function) {
        LinkedCode code = linked.get(function);
        if (code == null) {
            code = new LinkedCode(launch.kernel().module().code(function), addresses);
            linked.put(function, code);
        }
        return code;
    }

    Map<String, LinkedCode> allLinked() {
        return linked;
    }
}
