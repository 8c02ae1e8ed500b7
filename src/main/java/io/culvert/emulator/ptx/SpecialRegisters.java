package io.culvert.emulator.ptx;

import java.util.Map;

/** Registers that hold the same value throughout a block: coordinates, lane numbers and masks. */
final class SpecialRegisters {
    private SpecialRegisters() {}

    static boolean isKnown(String name) {
        return name.matches("%(tid|ntid|ctaid|nctaid)\\.[xyz]|%laneid|%warpid|%nwarpid|%lanemask_(eq|le|lt|ge|gt)"
                + "|%smid|%nsmid|%gridid|%dynamic_smem_size|%total_smem_size");
    }

    /** Sets those that the function of the frame reads. */
    static void fill(Frame f) {
        for (Map.Entry<String, Integer> special : f.linked.code.specials.entrySet()) {
            for (int lane = 0; lane < 32; lane++) {
                f.r[special.getValue() + lane] = value(special.getKey(), f.warp, lane);
            }
        }
    }

    private static int value(String name, Warp warp, int lane) {
        Dim3 block = warp.block.launch.block();
        Dim3 grid = warp.block.launch.grid();
        int thread = 32 * warp.index + lane;
        int shared = (int) warp.block.shared.region.size;
        return switch (name) {
            case "%tid.x" -> thread % block.x();
            case "%tid.y" -> thread / block.x() % block.y();
            case "%tid.z" -> thread / block.x() / block.y();
            case "%ntid.x" -> block.x();
            case "%ntid.y" -> block.y();
            case "%ntid.z" -> block.z();
            case "%ctaid.x" -> warp.block.x;
            case "%ctaid.y" -> warp.block.y;
            case "%ctaid.z" -> warp.block.z;
            case "%nctaid.x" -> grid.x();
            case "%nctaid.y" -> grid.y();
            case "%nctaid.z" -> grid.z();
            case "%laneid" -> lane;
            case "%warpid" -> warp.index;
            case "%nwarpid" -> 64;
            case "%lanemask_eq" -> 1 << lane;
            case "%lanemask_le" -> (2 << lane) - 1;
            case "%lanemask_lt" -> (1 << lane) - 1;
            case "%lanemask_ge" -> -1 << lane;
            case "%lanemask_gt" -> -2 << lane;
            case "%smid", "%gridid" -> 0;
            case "%nsmid" -> 1;
            case "%dynamic_smem_size" -> warp.block.launch.dynamicShared();
            case "%total_smem_size" -> shared;
            default -> throw new IllegalStateException(name);
        };
    }
}
