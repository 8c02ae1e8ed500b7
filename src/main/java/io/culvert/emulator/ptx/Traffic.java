package io.culvert.emulator.ptx;

/** Counts what a warp's accesses cost: sectors of global memory, wavefronts of shared memory. */
final class Traffic {
    private static final int SECTOR_SHIFT = 5;

    private Traffic() {}

    /** Counts one request to the addresses that the lanes of {@code mask} have in the warp's scratch. */
    static void global(Frame f, int mask, int bytes) {
        Profile profile = f.profile;
        int pc = f.pc;
        profile.globalRequests[pc]++;
        profile.bytes[pc] += (long) bytes * Integer.bitCount(mask);
        profile.sectors[pc] += sectors(f.warp.addresses, f.warp.values, mask);
    }

    /** Distinct sectors. An access is aligned and at most 16 bytes, so it lies in one. */
    private static int sectors(long[] addresses, long[] seen, int mask) {
        int count = 0;
        long last = -1;
        long most = -1;
        for (int left = mask; left != 0; left &= left - 1) {
            long sector = addresses[Integer.numberOfTrailingZeros(left)] >>> SECTOR_SHIFT;
            if (sector == last) {
                continue;
            }
            last = sector;
            boolean isNew = true;
            // Ascending addresses, the usual case, need no search.
            for (int k = sector > most ? -1 : count - 1; k >= 0 && isNew; k--) {
                isNew = seen[k] != sector;
            }
            most = Math.max(most, sector);
            if (isNew) {
                seen[count++] = sector;
            }
        }
        return count;
    }

    /**
     * Counts one request to shared memory: 32 banks of 4 bytes, each giving one word a wavefront. Accesses of 8 and 16
     * bytes go by halves and quarters of the warp.
     */
    static void shared(Frame f, int mask, int bytes) {
        Profile profile = f.profile;
        profile.sharedRequests[f.pc]++;
        int lanes = bytes <= 4 ? 32 : 128 / bytes;
        int conflicts = 0;
        for (int first = 0; first < 32; first += lanes) {
            int part = lanes == 32 ? mask : mask & (1 << lanes) - 1 << first;
            if (part != 0) {
                conflicts += wavefronts(f.warp, part, Math.max(1, bytes / 4)) - 1;
            }
        }
        profile.conflicts[f.pc] += conflicts;
    }

    private static int wavefronts(Warp warp, int mask, int words) {
        long[] addresses = warp.addresses;
        if (mask == -1 && words == 1 && isRow(addresses)) {
            return 1;
        }
        long[] wordOfBank = warp.values;
        int used = 0;
        boolean clash = false;
        long last = -1;
        for (int left = mask; left != 0 && !clash; left &= left - 1) {
            long word = addresses[Integer.numberOfTrailingZeros(left)] >>> 2;
            if (word == last) {
                continue;
            }
            last = word;
            for (int k = 0; k < words; k++, word++) {
                int bank = (int) word & 31;
                if ((used >>> bank & 1) == 0) {
                    used |= 1 << bank;
                    wordOfBank[bank] = word;
                } else if (wordOfBank[bank] != word) {
                    clash = true;
                }
            }
        }
        return clash ? worstBank(addresses, mask, words) : 1;
    }

    /** Whether the lanes take adjacent words, or one word: the usual cases, with no conflict. */
    private static boolean isRow(long[] addresses) {
        long first = addresses[0];
        long row = 0;
        long same = 0;
        for (int i = 0; i < 32; i++) {
            row |= addresses[i] - (first + 4 * i);
            same |= addresses[i] - first;
        }
        return row == 0 || same == 0;
    }

    private static int worstBank(long[] addresses, int mask, int words) {
        int worst = 1;
        for (int bank = 0; bank < 32; bank++) {
            int distinct = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                distinct += isFirst(addresses, mask, words, lane, bank) ? 1 : 0;
            }
            worst = Math.max(worst, distinct);
        }
        return worst;
    }

    /** Whether the lane touches a word of the bank that no lane before it does. */
    private static boolean isFirst(long[] addresses, int mask, int words, int lane, int bank) {
        long word = wordIn(addresses[lane] >>> 2, words, bank);
        if (word < 0) {
            return false;
        }
        for (int left = mask & (1 << lane) - 1; left != 0; left &= left - 1) {
            if (wordIn(addresses[Integer.numberOfTrailingZeros(left)] >>> 2, words, bank) == word) {
                return false;
            }
        }
        return true;
    }

    private static long wordIn(long first, int words, int bank) {
        long word = first + (bank - first & 31);
        return word < first + words ? word : -1;
    }
}
