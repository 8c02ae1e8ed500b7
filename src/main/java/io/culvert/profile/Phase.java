package io.culvert.profile;

/** What the training loop does beside its operations. */
public enum Phase {
    WAIT("waiting for data", false),
    FEED("bringing the batch (copies, labels)", false),
    PREPARE("preparing the step (rates, masks)", false),
    CLEAR("clearing gradients", true),
    LOSS("reading the loss", false),
    SCALE("averaging and clipping gradients", true),
    OPTIMIZER("optimiser", true),
    PROBE("online probe's update", true),
    EMA("moving the teacher", true),
    LOG("logging and diagnostics", false),
    CHECKPOINT("checkpoints", false),
    QUEUE("the device, waiting for the host to queue its next kernel", false),
    OTHER("other host time", false);

    private final String label;
    private final boolean computing;

    Phase(String label, boolean computing) {
        this.label = label;
        this.computing = computing;
    }

    public String label() {
        return label;
    }

    /** Whether some steps spend much on it and others nothing. */
    boolean isOccasional() {
        return this == LOG || this == CHECKPOINT;
    }

    /** Whether the device computes; otherwise it stands idle unless it has work queued. */
    boolean isComputing() {
        return computing;
    }
}
