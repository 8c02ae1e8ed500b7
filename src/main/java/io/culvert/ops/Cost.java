package io.culvert.ops;

/**
 * What an operation must do at least: floating-point operations (a multiply-add counts two) and bytes moved to and
 * from memory when nothing is cached between operations. Forward and backward apart; the roofline of an op.
 */
public record Cost(long forwardFlops, long forwardBytes, long backwardFlops, long backwardBytes) {
    public static final Cost NONE = new Cost(0, 0, 0, 0);

    public Cost plus(Cost other) {
        return new Cost(
                forwardFlops + other.forwardFlops,
                forwardBytes + other.forwardBytes,
                backwardFlops + other.backwardFlops,
                backwardBytes + other.backwardBytes);
    }
}
