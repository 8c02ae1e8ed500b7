package io.culvert.emulator.ptx;

import java.util.HashMap;
import java.util.Map;

/** Registers that hold the same value throughout a block: coordinates, lane numbers and masks. */
final class SpecialRegisters {
    /** The value of a register for a lane of a warp. */
    interface Reader {
        int value(Warp warp, int lane);
    }

    private static final Map<String, Reader> READERS = new HashMap<>();

    static {
        READERS.put(
                "%tid.x",
                (w, lane) -> (32 * w.index + lane) % w.block.launch.block().x());
        READERS.put(
                "%tid.y",
                (w, lane) -> {
                    Dim3 block = w.block.launch.block();
                    return (32 * w.index + lane) / block.x() % block.y();
                });
        READERS.put(
                "%tid.z",
                (w, lane) -> {
                    Dim3 block = w.block.launch.block();
                    return (32 * w.index + lane) / block.x() / block.y();
                });
        READERS.put("%ntid.x", (w, lane) -> w.block.launch.block().x());
        READERS.put("%ntid.y", (w, lane) -> w.block.launch.block().y());
        READERS.put("%ntid.z", (w, lane) -> w.block.launch.block().z());
        READERS.put("%ctaid.x", (w, lane) -> w.block.x);
        READERS.put("%ctaid.y", (w, lane) -> w.block.y);
        READERS.put("%ctaid.z", (w, lane) -> w.block.z);
        READERS.put("%nctaid.x", (w, lane) -> w.block.launch.grid().x());
        READERS.put("%nctaid.y", (w, lane) -> w.block.launch.grid().y());
        READERS.put("%nctaid.z", (w, lane) -> w.block.launch.grid().z());
        READERS.put("%laneid", (w, lane) -> lane);
        READERS.put("%warpid", (w, lane) -> w.index);
        READERS.put("%nwarpid", (w, lane) -> 64);
        READERS.put("%lanemask_eq", (w, lane) -> 1 << lane);
        READERS.put("%lanemask_le", (w, lane) -> (2 << lane) - 1);
        READERS.put("%lanemask_lt", (w, lane) -> (1 << lane) - 1);
        READERS.put("%lanemask_ge", (w, lane) -> -1 << lane);
        READERS.put("%lanemask_gt", (w, lane) -> -2 << lane);
        READERS.put("WARP_SZ", (w, lane) -> 32);
        READERS.put("%smid", (w, lane) -> 0);
        READERS.put("%gridid", (w, lane) -> 0);
        for (int i = 0; i < 32; i++) {
            READERS.put("%envreg" + i, (w, lane) -> 0);
        }
        READERS.put("%nsmid", (w, lane) -> 1);
        READERS.put("%dynamic_smem_size", (w, lane) -> w.block.launch.dynamicShared());
        READERS.put("%total_smem_size", (w, lane) -> (int) w.block.shared.region.size);
    }

    private SpecialRegisters() {}

    static boolean isKnown(String name) {
        return READERS.containsKey(name);
    }

    static Reader reader(String name) {
        return READERS.get(name);
    }

    /** Sets those that the function of the frame reads. */
    static void fill(Frame f) {
        SpecialRegisters.Reader[] readers = f.linked.specials;
        for (int i = 0; i < readers.length; i++) {
            int slot = f.linked.specialSlots[i];
            for (int lane = 0; lane < 32; lane++) {
                f.r[slot + lane] = readers[i].value(f.warp, lane);
            }
        }
    }
}
