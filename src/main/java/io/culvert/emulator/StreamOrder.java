package io.culvert.emulator;

/**
 * Which of the orders that a GPU may choose between streams happens, when the host waits for one of them: a program with
 * all the waits it needs computes the same in each.
 */
public enum StreamOrder {
    /** The other streams stand still, but for what the one waited for needs. */
    OTHERS_LATE,
    /** The other streams run first, as far as they are filled. */
    OTHERS_FIRST
}
