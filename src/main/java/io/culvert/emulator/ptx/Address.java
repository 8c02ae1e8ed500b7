package io.culvert.emulator.ptx;

/**
 * An address operand: a register and a constant. Symbols and absolute addresses are registers that hold a constant.
 *
 * @param wide whether the register is a 64-bit one
 * @param kernelParameter whether the symbol is a parameter of the kernel
 */
record Address(boolean wide, int slot, long offset, boolean kernelParameter) {
    long of(Frame f, int lane) {
        // A 32-bit address wraps at 32 bits: shared memory is addressed so.
        return wide ? f.d[slot + lane] + offset : f.r[slot + lane] + (int) offset & 0xffffffffL;
    }
}
