package io.culvert.ops;

import io.culvert.device.Device;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Computes the result of an operation again, just before backward uses it first, so that its memory is free in between.
 */
final class RenewOp extends BackwardOp {
    private final Op op;

    private RenewOp(Op op) {
        super(op.name() + ".again");
        this.op = op;
    }

    /**
     * Puts such operations among those of backward, for results that these use and that nobody wants to see afterwards. Of a chain,
     * such as residual sums are, every other result is kept, so that none has to be computed again for the next one.
     */
    static void insert(List<Op> forward, List<Op> backward, Set<Tensor> kept) {
        Set<Tensor> begun = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<Tensor> gone = Collections.newSetFromMap(new IdentityHashMap<>());
        List<RenewOp> renewals = new ArrayList<>();
        for (Op op : forward) {
            Tensor result = op.renewable();
            boolean free = result != null && !result.isBound() && !kept.contains(result);
            if (free && op.inputs().stream().noneMatch(gone::contains)) {
                renewals.add(new RenewOp(op));
                gone.add(result);
            }
        }
        List<Op> all = new ArrayList<>();
        for (Op user : backward) {
            for (RenewOp renewal : renewals) {
                Tensor renewed = renewal.renewed();
                if (user.backwardUses().contains(renewed) && begun.add(renewed)) {
                    all.add(renewal);
                }
            }
            all.add(user);
        }
        backward.clear();
        backward.addAll(all);
    }

    Tensor renewed() {
        return op.renewable();
    }

    @Override
    public List<Tensor> backwardUses() {
        List<Tensor> uses = new ArrayList<>(op.inputs());
        uses.addAll(op.outputs());
        return uses;
    }

    @Override
    public Cost cost() {
        return new Cost(0, 0, op.cost().forwardFlops(), op.cost().forwardBytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return new OpKernel() {
            @Override
            public void forward() {}

            @Override
            public void backward() {
                op.again();
            }
        };
    }
}
