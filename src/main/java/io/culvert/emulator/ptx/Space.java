package io.culvert.emulator.ptx;

/** State spaces that loads and stores name; GENERIC ones say it in the address. */
enum Space {
    GENERIC,
    GLOBAL,
    SHARED,
    LOCAL,
    /** Parameters of the kernel. Those of device functions are in local memory. */
    KERNEL_PARAMETER;

    /** Takes the space from an opcode. Constants live in global memory. */
    static Space of(Modifiers modifiers) {
        String name = modifiers.oneOf("global", "const", "shared", "shared::cta", "local");
        if (name == null) {
            return GENERIC;
        }
        return switch (name) {
            case "global", "const" -> GLOBAL;
            case "local" -> LOCAL;
            default -> SHARED;
        };
    }
}
