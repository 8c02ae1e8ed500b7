package io.culvert.emulator.ptx;

/** State spaces that loads and stores name; GENERIC ones say it in the address. */
enum Space {
    GENERIC,
    GLOBAL,
    /** In global memory here, but cached apart: no global traffic. */
    CONSTANT,
    SHARED,
    LOCAL,
    /** Parameters of the kernel. Those of device functions are in local memory. */
    KERNEL_PARAMETER;

    /** Takes the space from an opcode. */
    static Space of(Modifiers modifiers) {
        String name = modifiers.oneOf("global", "const", "shared", "shared::cta", "local");
        if (name == null) {
            return GENERIC;
        }
        return switch (name) {
            case "global" -> GLOBAL;
            case "const" -> CONSTANT;
            case "local" -> LOCAL;
            default -> SHARED;
        };
    }
}
