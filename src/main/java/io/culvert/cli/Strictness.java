package io.culvert.cli;

import picocli.CommandLine.Option;

/** How strictly a file of weights must match the backbone. */
final class Strictness {
    @Option(names = "--allow-missing", description = "Parameters that the weights lack keep their initial values.")
    private boolean allowMissing;

    @Option(names = "--ignore-unknown", description = "Pass over tensors of the weights that the backbone does not have.")
    private boolean ignoreUnknown;

    boolean allowMissing() {
        return allowMissing;
    }

    boolean ignoreUnknown() {
        return ignoreUnknown;
    }
}
