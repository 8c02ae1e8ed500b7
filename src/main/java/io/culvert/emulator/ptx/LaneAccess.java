package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;

/** An access of a warp to memory: finds each lane's bytes, checks them, moves the data, counts the cost. */
abstract class LaneAccess implements Action {
    private final Space space;
    private final Address address;
    private final Access access;

    /** Bytes to add to each lane's address; null for none. */
    long[] offsets;

    /** Of one lane: a power of two. */
    final int bytes;

    LaneAccess(Space space, Address address, int bytes, Access access) {
        this.space = space;
        this.address = address;
        this.bytes = bytes;
        this.access = access;
    }

    /**
     * Moves the data of all lanes of {@code mask}, which was checked; lane i's bytes are at {@code addresses[i] - base}
     * of the region.
     */
    abstract void move(Frame f, int mask, Region region, long[] addresses, long base);

    @Override
    public final void run(Frame f, int mask) {
        long[] addresses = f.warp.addresses;
        int global = mask;
        int shared = mask;
        int local = mask;
        int params = 0;
        if (space == Space.GENERIC) {
            shared = 0;
            local = 0;
        }
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long at = address.of(f, lane);
            if (offsets != null) {
                at += offsets[lane];
            }
            if (space == Space.GENERIC) {
                long window = at & Moves.WINDOW;
                shared |= window == Moves.SHARED_WINDOW ? 1 << lane : 0;
                local |= window == Moves.LOCAL_WINDOW ? 1 << lane : 0;
                params |= window == Moves.PARAM_WINDOW ? 1 << lane : 0;
                boolean windowed = window > 0 && window <= Moves.PARAM_WINDOW;
                at = windowed ? at - window : at;
            }
            addresses[lane] = at;
        }
        switch (space) {
            case GLOBAL, CONSTANT -> global(f, mask);
            case SHARED -> shared(f, mask);
            case LOCAL -> local(f, mask);
            case KERNEL_PARAMETER -> parameter(f, mask);
            default -> {
                global = mask & ~shared & ~local & ~params;
                if (global != 0) {
                    global(f, global);
                }
                if (shared != 0) {
                    shared(f, shared);
                }
                if (local != 0) {
                    local(f, local);
                }
                if (params != 0) {
                    parameter(f, params);
                }
            }
        }
    }

    private void global(Frame f, int mask) {
        long[] addresses = f.warp.addresses;
        Region region = null;
        int together = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            Region own = MemoryChecks.global(f, lane, addresses[lane], bytes, access);
            if (own != region && together != 0) {
                move(f, together, region, addresses, region.base);
                together = 0;
            }
            region = own;
            together |= 1 << lane;
        }
        move(f, together, region, addresses, region.base);
        f.warp.stored |= access == Access.WRITE;
        if (space != Space.CONSTANT) {
            Traffic.global(f, mask, bytes);
        }
    }

    private void shared(Frame f, int mask) {
        f.warp.time++;
        MemoryChecks.shared(f, mask, bytes, access);
        move(f, mask, f.warp.block.shared.region, f.warp.addresses, 0);
        f.warp.stored |= access == Access.WRITE;
        Traffic.shared(f, mask, bytes);
    }

    private void local(Frame f, int mask) {
        long[] addresses = f.warp.addresses;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            addresses[lane] = MemoryChecks.local(f, lane, addresses[lane], bytes, access);
        }
        move(f, mask, f.warp.local.region, addresses, 0);
    }

    private void parameter(Frame f, int mask) {
        Region region = f.warp.block.context.params;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long offset = f.warp.addresses[lane];
            if (access != Access.READ) {
                throw f.warp.fault(KernelFault.Kind.READ_ONLY, lane, "write of the kernel's parameters");
            }
            if ((offset & bytes - 1) != 0) {
                throw MemoryChecks.misaligned(f, lane, offset, bytes, access, "parameter");
            }
            if (!region.contains(offset, bytes)) {
                throw f.warp.fault(
                        KernelFault.Kind.OUT_OF_BOUNDS,
                        lane,
                        "%d bytes at byte %d of the parameters, which have %d",
                        bytes,
                        offset,
                        region.size);
            }
        }
        move(f, mask, region, f.warp.addresses, 0);
    }
}
