package io.culvert.profile;

/**
 * One operation of a step: its class, where in the network it stands, and what it must do at least (a multiply-add counts two
 * floating-point operations; bytes to and from memory).
 */
public record OpFacts(
        String kind, String layer, long forwardFlops, long forwardBytes, long backwardFlops, long backwardBytes) {}
