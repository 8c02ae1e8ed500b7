package io.culvert.ops;

import io.culvert.device.Buffer;
import io.culvert.device.Device;
import io.culvert.device.Group;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts the mean over all ranks in the place of a range of the gradients' slab, as soon as backward is done with it: an
 * operation of backward alone. On a GPU what follows runs meanwhile.
 */
final class AverageGradientsOp extends BackwardOp {
    /** A range is about so large: smaller ones wait for each other more often, larger ones begin later. */
    static final long RANGE_BYTES = 8L << 20;

    private final Buffer slab;
    private final long from;
    private final long to;
    private boolean last;

    private AverageGradientsOp(Buffer slab, long from, long to) {
        super("gradients %.1f to %.1f MiB".formatted(from / (double) (1 << 20), to / (double) (1 << 20)));
        this.slab = slab;
        this.from = from;
        this.to = to;
    }

    /**
     * Puts such operations among those of backward. Backward comes to a slab's parameters from the last to the first, so that
     * what is done with is its end, which grows.
     */
    static void insert(List<Op> backward, long rangeBytes) {
        Map<Buffer, Slab> slabs = new IdentityHashMap<>();
        for (int i = 0; i < backward.size(); i++) {
            for (Parameter parameter : backward.get(i).parameters()) {
                Tensor gradient = parameter.gradient();
                slabs.computeIfAbsent(gradient.buffer(), Slab::new).use(gradient, i);
            }
        }
        List<Op> all = new ArrayList<>();
        AverageGradientsOp latest = null;
        for (int i = 0; i < backward.size(); i++) {
            all.add(backward.get(i));
            for (Slab slab : slabs.values()) {
                AverageGradientsOp range = slab.afterwards(i, rangeBytes);
                if (range != null) {
                    all.add(range);
                    latest = range;
                }
            }
        }
        if (latest != null) {
            latest.last = true;
        }
        backward.clear();
        backward.addAll(all);
    }

    /** One store's gradients, and how much of them is on its way. */
    private static final class Slab {
        final Buffer buffer;
        final Map<Tensor, Integer> lastUse = new IdentityHashMap<>();
        private long begun;

        Slab(Buffer buffer) {
            this.buffer = buffer;
        }

        void use(Tensor gradient, int op) {
            lastUse.put(gradient, op);
            begun = Math.max(begun, endOf(gradient));
        }

        private static long endOf(Tensor gradient) {
            return gradient.offset() + gradient.bytes();
        }

        /** What can begin once the operation is done: none before there is enough of it, all that is left at the end. */
        AverageGradientsOp afterwards(int op, long rangeBytes) {
            long open = 0;
            for (Map.Entry<Tensor, Integer> use : lastUse.entrySet()) {
                if (use.getValue() > op) {
                    open = Math.max(open, endOf(use.getKey()));
                }
            }
            boolean isEnough = begun - open >= rangeBytes || open == 0;
            if (!isEnough || open >= begun) {
                return null;
            }
            AverageGradientsOp range = new AverageGradientsOp(buffer, open, begun);
            begun = open;
            return range;
        }
    }

    /** The first byte of the range. */
    long from() {
        return from;
    }

    /** The byte behind the range. */
    long to() {
        return to;
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of();
    }

    @Override
    public Cost cost() {
        return new Cost(0, 0, (to - from) / Float.BYTES, 2 * (to - from));
    }

    @Override
    protected OpKernel bind(Device device) {
        Group group = device.group();
        return new OpKernel() {
            @Override
            public void forward() {}

            @Override
            public void backward() {
                group.startAverage(slab, from, to - from);
                if (last) {
                    group.finish();
                }
            }
        };
    }
}
