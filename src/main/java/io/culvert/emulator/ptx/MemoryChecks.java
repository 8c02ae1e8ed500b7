package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.KernelFault.Kind;
import io.culvert.emulator.ptx.SharedRaces.Access;

/** What every access to memory goes through: alignment, bounds, initialisation, races. */
final class MemoryChecks {
    private MemoryChecks() {}

    /** The region that holds {@code bytes} (a power of two) at a global address, for the current instruction. */
    static Region global(Frame f, int lane, long address, int bytes, Access access) {
        if ((address & bytes - 1) != 0) {
            throw misaligned(f, lane, address, bytes, access, "global");
        }
        Region region = f.profile.lastRegion[f.pc];
        if (region == null || !region.contains(address, bytes)) {
            region = find(f, lane, address, bytes, access);
            f.profile.lastRegion[f.pc] = region;
        }
        if (access != Access.WRITE && !region.isWritten(address - region.base, bytes)) {
            checkWritten(f, lane, region, address - region.base, bytes);
        }
        return region;
    }

    private static Region find(Frame f, int lane, long address, int bytes, Access access) {
        DeviceMemory memory = f.warp.block.context.memory;
        Region region = memory.find(address, bytes);
        if (region == null) {
            throw f.warp.fault(
                    memory.isFreed(address) ? Kind.USE_AFTER_FREE : Kind.OUT_OF_BOUNDS,
                    lane,
                    "%d-byte %s at 0x%x: %s",
                    bytes,
                    verb(access),
                    address,
                    memory.describe(address, bytes));
        }
        if (region.readOnly && access != Access.READ) {
            throw f.warp.fault(Kind.READ_ONLY, lane, "%s of constant '%s'", verb(access), region.label);
        }
        return region;
    }

    private static void checkWritten(Frame f, int lane, Region region, long offset, int bytes) {
        if (f.warp.block.context.findUninitialised) {
            boolean shared = region == f.warp.block.shared.region;
            throw f.warp.fault(
                    Kind.UNINITIALISED,
                    lane,
                    "%d-byte read at byte %d of %s, which nothing has written",
                    bytes,
                    region.firstUnwritten(offset, bytes),
                    shared ? "shared memory (" + f.warp.block.shared.nameOf(offset) + ")" : "'" + region.label + "'");
        }
    }

    /** Checks the accesses of lanes to shared memory, at the offsets in the warp's scratch. */
    static void shared(Frame f, int mask, int bytes, Access access) {
        SharedMemory shared = f.warp.block.shared;
        long[] offsets = f.warp.addresses;
        long all = 0;
        long most = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            long offset = offsets[Integer.numberOfTrailingZeros(left)];
            all |= offset;
            most = Math.max(most, offset);
        }
        if ((all & bytes - 1) != 0 || all < 0 || most > shared.region.size - bytes || shared.hasCopiesInFlight()) {
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                place(f, lane, offsets[lane], bytes, access);
            }
        }
        if (shared.races != null) {
            shared.races.touch(access, f, mask, offsets, bytes, f.current());
        }
        if (access == Access.WRITE) {
            return;
        }
        long last = -1;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            if (offsets[lane] != last && !shared.region.isWritten(offsets[lane], bytes)) {
                checkWritten(f, lane, shared.region, offsets[lane], bytes);
            }
            last = offsets[lane];
        }
    }

    /** Checks that a range of shared memory exists, is aligned and in nobody's flight. */
    private static void place(Frame f, int lane, long offset, int bytes, Access access) {
        SharedMemory shared = f.warp.block.shared;
        if ((offset & bytes - 1) != 0) {
            throw misaligned(f, lane, offset, bytes, access, "shared");
        }
        if (!shared.region.contains(offset, bytes)) {
            throw f.warp.fault(
                    Kind.OUT_OF_BOUNDS,
                    lane,
                    "%d-byte %s at shared byte %d: the block has %d bytes",
                    bytes,
                    verb(access),
                    offset,
                    shared.region.size);
        }
        if (shared.isInFlight(offset, bytes)) {
            throw f.warp.fault(
                    Kind.COPY_IN_FLIGHT,
                    lane,
                    "%s of shared byte %d (%s) before the wait of the cp.async that writes it",
                    verb(access),
                    offset,
                    shared.nameOf(offset));
        }
    }

    /** The offset in the warp's local memory of a thread's local address. */
    static long local(Frame f, int lane, long address, int bytes, Access access) {
        if ((address & bytes - 1) != 0) {
            throw misaligned(f, lane, address, bytes, access, "local");
        }
        if (address < 0 || address > f.end() - bytes) {
            throw f.warp.fault(
                    Kind.OUT_OF_BOUNDS,
                    lane,
                    "%d-byte %s at local byte %d: the thread has %d bytes",
                    bytes,
                    verb(access),
                    address,
                    f.end());
        }
        return lane * f.warp.local.stride + address;
    }

    static KernelFault misaligned(Frame f, int lane, long address, int bytes, Access access, String space) {
        return f.warp.fault(
                Kind.MISALIGNED,
                lane,
                "%d-byte %s at %s address 0x%x, which is %d bytes off",
                bytes,
                verb(access),
                space,
                address,
                address & bytes - 1);
    }

    private static String verb(Access access) {
        return switch (access) {
            case READ -> "read";
            case WRITE -> "write";
            case ATOMIC -> "atomic update";
        };
    }
}
