package io.culvert.cli;

import io.culvert.train.RunFolder;
import picocli.CommandLine.Option;

/** What to do with the run that a folder already holds; a new run needs neither. */
final class ExistingRun {
    @Option(names = "--resume", description = "Go on from the last checkpoint in the run's folder.")
    private boolean resume;

    @Option(names = "--overwrite", description = "Replace the run that the folder holds.")
    private boolean overwrite;

    RunFolder.Mode mode() {
        return resume ? RunFolder.Mode.RESUME : overwrite ? RunFolder.Mode.OVERWRITE : RunFolder.Mode.FRESH;
    }
}
