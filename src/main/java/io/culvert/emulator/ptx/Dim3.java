package io.culvert.emulator.ptx;

/** The extent of a grid in blocks or of a block in threads. */
public record Dim3(int x, int y, int z) {
    public static Dim3 of(int x) {
        return new Dim3(x, 1, 1);
    }

    public static Dim3 of(int x, int y) {
        return new Dim3(x, y, 1);
    }

    long count() {
        return (long) x * y * z;
    }

    /** Coordinates of element {@code index}, x fastest. */
    String at(long index) {
        return "(%d,%d,%d)".formatted(index % x, index / x % y, index / x / y);
    }

    @Override
    public String toString() {
        return "(%d,%d,%d)".formatted(x, y, z);
    }
}
