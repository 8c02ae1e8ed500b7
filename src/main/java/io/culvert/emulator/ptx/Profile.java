package io.culvert.emulator.ptx;

/** Counts of a launch by instruction index. */
final class Profile {
    /** Times a warp issued the instruction, a guard that excludes all lanes included. */
    final long[] issued;

    /** Lanes that executed it, summed. */
    final long[] lanes;

    /** Global accesses: bytes that lanes read or wrote. */
    final long[] bytes;

    /** Global accesses: 32-byte sectors touched. */
    final long[] sectors;

    /** Shared accesses: wavefronts beyond those that the width of the access needs. */
    final long[] conflicts;

    /** Times the instruction, a branch, split a warp. */
    final long[] splits;

    /** Requests to global and to shared memory: a generic access may be either. */
    final long[] globalRequests;

    final long[] sharedRequests;

    /** Where the instruction last accessed global memory: it mostly does so again. */
    final Region[] lastRegion;

    Profile(int length) {
        issued = new long[length];
        lanes = new long[length];
        bytes = new long[length];
        sectors = new long[length];
        conflicts = new long[length];
        splits = new long[length];
        globalRequests = new long[length];
        sharedRequests = new long[length];
        lastRegion = new Region[length];
    }
}
