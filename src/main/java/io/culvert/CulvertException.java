package io.culvert;

/**
 * A failure that the user can mend. The message is one line that names the thing at fault (file, key, call) and the
 * remedy; the command line prints it alone, without a stack trace, and exits with {@link Kind#exitCode}.
 */
public final class CulvertException extends RuntimeException {
    /** What went wrong, with the process exit code that says so. */
    public enum Kind {
        USAGE(2),
        DATA(3),
        DEVICE(4),
        /** The device is well, its memory does not hold what was asked for. */
        MEMORY(4),
        DIVERGED(5);

        public final int exitCode;

        Kind(int exitCode) {
            this.exitCode = exitCode;
        }
    }

    private final Kind kind;

    private CulvertException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /** A wrong option, configuration key or value. */
    public static CulvertException usage(String format, Object... args) {
        return new CulvertException(Kind.USAGE, String.format(format, args), null);
    }

    /** A file that is missing, malformed or cannot be written. */
    public static CulvertException data(String format, Object... args) {
        return new CulvertException(Kind.DATA, String.format(format, args), null);
    }

    /** As {@link #data(String, Object...)}, keeping the exception that revealed it. */
    public static CulvertException data(Throwable cause, String format, Object... args) {
        return new CulvertException(Kind.DATA, String.format(format, args), cause);
    }

    /** A library or device that is missing or refused a call. */
    public static CulvertException device(String format, Object... args) {
        return new CulvertException(Kind.DEVICE, String.format(format, args), null);
    }

    /** As {@link #device(String, Object...)}, keeping the exception that revealed it. */
    public static CulvertException device(Throwable cause, String format, Object... args) {
        return new CulvertException(Kind.DEVICE, String.format(format, args), cause);
    }

    /** More than a device's memory holds. */
    public static CulvertException memory(String format, Object... args) {
        return new CulvertException(Kind.MEMORY, String.format(format, args), null);
    }

    /** Training that produced NaN or infinity. */
    public static CulvertException diverged(String format, Object... args) {
        return new CulvertException(Kind.DIVERGED, String.format(format, args), null);
    }
}
