package io.culvert.emulator.ptx;

/** PTX's rounding modes. */
enum Rounding {
    NEAREST_EVEN,
    ZERO,
    DOWN,
    UP;

    /** Takes the mode of an arithmetic instruction: .rn, .rz, .rm or .rp; nearest if there is none. */
    static Rounding of(Modifiers modifiers) {
        String mode = modifiers.oneOf("rn", "rz", "rm", "rp");
        return mode == null ? NEAREST_EVEN : named(mode);
    }

    static Rounding named(String mode) {
        return switch (mode) {
            case "rn", "rni" -> NEAREST_EVEN;
            case "rz", "rzi" -> ZERO;
            case "rm", "rmi" -> DOWN;
            case "rp", "rpi" -> UP;
            default -> throw new IllegalArgumentException(mode);
        };
    }

    /** What becomes of the float nearest to an exact value; {@code order} compares the exact one to it. */
    float adjust(float nearest, int order) {
        return moves(order, nearest > 0 || nearest == 0 && order > 0)
                ? order < 0 ? Math.nextDown(nearest) : Math.nextUp(nearest)
                : nearest;
    }

    double adjust(double nearest, int order) {
        return moves(order, nearest > 0 || nearest == 0 && order > 0)
                ? order < 0 ? Math.nextDown(nearest) : Math.nextUp(nearest)
                : nearest;
    }

    private boolean moves(int order, boolean positive) {
        return switch (this) {
            case NEAREST_EVEN -> false;
            case ZERO -> positive ? order < 0 : order > 0;
            case DOWN -> order < 0;
            case UP -> order > 0;
        };
    }

    /** A double's neighbour integer. */
    double toInteger(double value) {
        return switch (this) {
            case NEAREST_EVEN -> Math.rint(value);
            case ZERO -> value < 0 ? Math.ceil(value) : Math.floor(value);
            case DOWN -> Math.floor(value);
            case UP -> Math.ceil(value);
        };
    }
}
