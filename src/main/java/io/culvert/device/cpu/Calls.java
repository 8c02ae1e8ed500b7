package io.culvert.device.cpu;

/** What every downcall does with the {@code Throwable} that {@code invokeExact} declares. */
final class Calls {
    private Calls() {}

    static RuntimeException rethrow(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(thrown);
        };
    }
}
