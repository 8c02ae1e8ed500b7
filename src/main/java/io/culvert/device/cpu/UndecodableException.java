package io.culvert.device.cpu;

/** The native decoder refused an image; the message is the reason, without the file's name. */
public final class UndecodableException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean worthAnotherDecoder;

    UndecodableException(String reason, boolean worthAnotherDecoder) {
        super(reason);
        this.worthAnotherDecoder = worthAnotherDecoder;
    }

    /** Whether a more lenient decoder may manage: the bytes are no plain case, but not known to be damaged either. */
    public boolean worthAnotherDecoder() {
        return worthAnotherDecoder;
    }
}
