package io.culvert.ops;

import io.culvert.tensor.Tensor;
import java.util.List;

/** An operation from one activation to another without parameters; a subclass adds its cost and its kernels. */
public abstract class UnaryOp extends Op {
    private final Tensor x;
    private final Tensor y;
    private Tensor dy;
    private Tensor dx;

    /** @param y of the result's shape, without memory */
    protected UnaryOp(String name, Tape tape, Tensor x, Tensor y) {
        super(name);
        this.x = x;
        this.y = y;
        tape.record(this);
    }

    public final Tensor x() {
        return x;
    }

    public final Tensor y() {
        return y;
    }

    /** Where the gradient of y arrives; null on a tape that only infers. */
    public final Tensor dy() {
        return dy;
    }

    /** Where the gradient of x goes; null where nobody needs it. */
    public final Tensor dx() {
        return dx;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
    }
}
