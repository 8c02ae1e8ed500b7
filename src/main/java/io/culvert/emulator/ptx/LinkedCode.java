package io.culvert.emulator.ptx;

import java.util.Arrays;
import java.util.function.ToLongFunction;

/** Code with the addresses of one launch, and the counts of that launch. */
final class LinkedCode {
    /** What a register holds that nothing wrote: NaN as a float, far out of bounds as an address. */
    private static final int UNWRITTEN = 0x7ff7dead;

    final Code code;
    final int[] ints;
    final long[] longs;
    final int[] preds;
    final Profile profile;
    final SpecialRegisters.Reader[] specials;
    final int[] specialSlots;

    LinkedCode(Code code, ToLongFunction<String> address) {
        this.code = code;
        ints = new int[32 * code.ints];
        longs = new long[32 * code.longs];
        preds = new int[code.preds];
        profile = new Profile(code.instructions.length);
        specials =
                code.specials.keySet().stream().map(SpecialRegisters::reader).toArray(SpecialRegisters.Reader[]::new);
        specialSlots =
                code.specials.values().stream().mapToInt(Integer::intValue).toArray();
        Arrays.fill(ints, UNWRITTEN);
        Arrays.fill(longs, (long) UNWRITTEN << 32 | UNWRITTEN);
        code.intConstants.forEach((value, slot) -> Arrays.fill(ints, slot, slot + 32, value.intValue()));
        code.longConstants.forEach((value, slot) -> Arrays.fill(longs, slot, slot + 32, value));
        code.predConstants.forEach((value, slot) -> preds[slot] = value == 1 ? -1 : 0);
        code.symbols.forEach((symbol, slot) ->
                Arrays.fill(longs, slot, slot + 32, address.applyAsLong(symbol.name()) + symbol.addend()));
    }
}
