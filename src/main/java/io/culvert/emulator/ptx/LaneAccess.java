package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;

/** An access of a warp to memory: finds each lane's bytes, checks them, moves the data, counts the cost. */
abstract class LaneAccess implements Action {
    private final Space space;
    private final Address address;
    private final Access access;

    /** Of one lane: a power of two. */
    final int bytes;

    LaneAccess(Space space, Address address, int bytes, Access access) {
        this.space = space;
        this.address = address;
        this.bytes = bytes;
        this.access = access;
    }

    /** Moves the data of one lane, from or to bytes that were checked. */
    abstract void move(Frame f, int lane, Region region, long offset);

    @Override
    public final void run(Frame f, int mask) {
        long[] addresses = f.warp.addresses;
        int global = mask;
        int shared = mask;
        int local = mask;
        if (space == Space.GENERIC) {
            shared = 0;
            local = 0;
        }
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long at = address.of(f, lane);
            if (space == Space.GENERIC) {
                long window = at & Moves.WINDOW;
                shared |= window == Moves.SHARED_WINDOW ? 1 << lane : 0;
                local |= window == Moves.LOCAL_WINDOW ? 1 << lane : 0;
                at = window == Moves.SHARED_WINDOW || window == Moves.LOCAL_WINDOW ? at - window : at;
            }
            addresses[lane] = at;
        }
        switch (space) {
            case GLOBAL -> global(f, mask);
            case SHARED -> shared(f, mask);
            case LOCAL -> local(f, mask);
            case KERNEL_PARAMETER -> parameter(f, mask);
            default -> {
                global = mask & ~shared & ~local;
                if (global != 0) {
                    global(f, global);
                }
                if (shared != 0) {
                    shared(f, shared);
                }
                if (local != 0) {
                    local(f, local);
                }
            }
        }
    }

    /** Atomics take the lanes in the order of the launch. */
    private int next(Frame f, int left) {
        return access == Access.ATOMIC && !f.warp.block.context.order.takenFirst()
                ? 31 - Integer.numberOfLeadingZeros(left)
                : Integer.numberOfTrailingZeros(left);
    }

    private void global(Frame f, int mask) {
        long[] addresses = f.warp.addresses;
        for (int left = mask; left != 0; ) {
            int lane = next(f, left);
            left &= ~(1 << lane);
            Region region = MemoryChecks.global(f, lane, addresses[lane], bytes, access);
            move(f, lane, region, addresses[lane] - region.base);
        }
        Traffic.global(f, mask, bytes);
    }

    private void shared(Frame f, int mask) {
        f.warp.time++;
        long[] addresses = f.warp.addresses;
        Region region = f.warp.block.shared.region;
        for (int left = mask; left != 0; ) {
            int lane = next(f, left);
            left &= ~(1 << lane);
            MemoryChecks.shared(f, lane, addresses[lane], bytes, access);
            move(f, lane, region, addresses[lane]);
        }
        Traffic.shared(f, mask, bytes);
    }

    private void local(Frame f, int mask) {
        Region region = f.warp.local.region;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            move(f, lane, region, MemoryChecks.local(f, lane, f.warp.addresses[lane], bytes, access));
        }
    }

    private void parameter(Frame f, int mask) {
        Region region = f.warp.block.context.params;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long offset = f.warp.addresses[lane];
            if (!region.contains(offset, bytes)) {
                throw f.warp.fault(
                        KernelFault.Kind.OUT_OF_BOUNDS,
                        lane,
                        "%d bytes at byte %d of the parameters, which have %d",
                        bytes,
                        offset,
                        region.size);
            }
            move(f, lane, region, offset);
        }
    }
}
