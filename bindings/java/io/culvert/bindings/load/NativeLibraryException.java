package io.culvert.bindings.load;

import java.util.List;
import java.util.stream.Collectors;

/** A native library that no place of the search could provide; the message says each place, its reason, the remedy. */
public final class NativeLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** One place that was tried and why it did not do. */
    public record Attempt(String place, String reason) {
        @Override
        public String toString() {
            return place + ": " + reason;
        }
    }

    private final transient NativeLibrary library;
    private final transient List<Attempt> attempts;

    NativeLibraryException(NativeLibrary library, List<Attempt> attempts) {
        super("cannot load %s (%s); tried %s; to mend it: %s"
                .formatted(
                        library.title(),
                        String.join(" or ", library.fileNames()),
                        attempts.stream().map(Attempt::toString).collect(Collectors.joining("; ")),
                        library.remedy()));
        this.library = library;
        this.attempts = List.copyOf(attempts);
    }

    public NativeLibrary library() {
        return library;
    }

    /** Every place that was tried, in order. */
    public List<Attempt> attempts() {
        return attempts;
    }
}
