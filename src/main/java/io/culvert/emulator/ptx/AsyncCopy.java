package io.culvert.emulator.ptx;

import io.culvert.emulator.ptx.SharedRaces.Access;

/** cp.async and its groups. The source is read at once, the bytes arrive at the wait. */
final class AsyncCopy {
    private AsyncCopy() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.ASYNC_COPY;
        if (!m.take("async")) {
            throw m.unsupported();
        }
        if (m.take("commit_group")) {
            return (f, mask) -> f.warp.copies.commit(mask);
        }
        if (m.take("wait_group")) {
            int pending = (int) x.immediate(0);
            return (f, mask) -> f.warp.copies.await(f, mask, pending);
        }
        if (m.take("wait_all")) {
            return (f, mask) -> {
                f.warp.copies.commit(mask);
                f.warp.copies.await(f, mask, 0);
            };
        }
        String cache = m.oneOf("ca", "cg");
        boolean toShared = m.take("shared") || m.take("shared::cta");
        boolean fromGlobal = m.take("global");
        m.oneOf("L2::64B", "L2::128B", "L2::256B");
        if (cache == null || !toShared || !fromGlobal || x.operandCount() > 4) {
            throw m.unsupported();
        }
        Address target = x.address(0);
        Address source = x.address(1);
        int bytes = (int) x.immediate(2);
        if (bytes != 4 && bytes != 8 && bytes != 16 || cache.equals("cg") && bytes != 16) {
            throw x.fault("copies of %d bytes", bytes);
        }
        int size = x.operandCount() > 3 ? x.intSource(3, ScalarType.U32) : x.code.intConstant(bytes);
        return (f, mask) -> copy(f, mask, target, source, bytes, size);
    }

    private static void copy(Frame f, int mask, Address target, Address source, int bytes, int size) {
        f.warp.time++;
        fill(f, mask, target);
        MemoryChecks.shared(f, mask, bytes, Access.WRITE);
        Traffic.shared(f, mask, bytes);
        int reads = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long to = target.of(f, lane);
            int taken = f.r[size + lane];
            if (taken < 0 || taken > bytes) {
                throw f.warp.fault(
                        KernelFault.Kind.OUT_OF_BOUNDS, lane, "source size %d of a copy of %d bytes", taken, bytes);
            }
            long from = source.of(f, lane);
            long low = 0;
            long high = 0;
            if (taken > 0) {
                reads |= 1 << lane;
                low = read(f, lane, from, Math.min(taken, 8));
                high = taken > 8 ? read(f, lane, from + 8, taken - 8) : 0;
                if ((from & bytes - 1) != 0) {
                    throw MemoryChecks.misaligned(f, lane, from, bytes, Access.READ, "global");
                }
            }
            f.warp.copies.add(lane, to, bytes, low, high, f.current());
        }
        fill(f, mask, source);
        if (reads != 0) {
            Traffic.global(f, reads, bytes);
        }
    }

    private static void fill(Frame f, int mask, Address address) {
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            f.warp.addresses[lane] = address.of(f, lane);
        }
    }

    /** At most 8 bytes; what the copy does not take is zero. */
    private static long read(Frame f, int lane, long address, int bytes) {
        if (bytes == 8 || bytes == 4) {
            Region region = MemoryChecks.global(f, lane, address, bytes, Access.READ);
            return region.load(address - region.base, bytes);
        }
        long value = 0;
        for (int k = 0; k < bytes; k++) {
            Region region = MemoryChecks.global(f, lane, address + k, 1, Access.READ);
            value |= region.load(address + k - region.base, 1) << 8 * k;
        }
        return value;
    }
}
