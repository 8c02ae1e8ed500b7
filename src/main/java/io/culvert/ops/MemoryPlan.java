package io.culvert.ops;

import io.culvert.device.Buffer;
import io.culvert.device.RunArena;
import io.culvert.device.StepArena;
import io.culvert.profile.MemoryFacts;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds when each tensor of a tape is first and last used, and places those that no one else has bound. */
final class MemoryPlan {
    private static final class Life {
        final int first;
        final MemoryFacts.Category category;
        int last;
        String lastUser;
        /** The last use before it is computed again, and when that is; -1 for never. */
        int before = -1;

        int again = -1;

        Life(int first, MemoryFacts.Category category) {
            this.first = first;
            this.category = category;
        }
    }

    private final Map<Tensor, Life> lives = new IdentityHashMap<>();
    private final Map<Tensor, Life> inOrder = new LinkedHashMap<>();
    private final Set<Tensor> external;
    private int time;

    MemoryPlan(List<Op> forward, List<Op> backward, Set<Tensor> external, Set<Tensor> kept) {
        this.external = external;
        for (Op op : forward) {
            use(op, op.inputs(), MemoryFacts.Category.ACTIVATION);
            use(op, op.outputs(), MemoryFacts.Category.ACTIVATION);
            use(op, op.forwardScratch(), MemoryFacts.Category.WORKSPACE);
            time++;
        }
        for (Op op : backward) {
            if (op instanceof RenewOp renewal) {
                Life life = lives.get(renewal.renewed());
                life.before = life.last;
                life.again = time;
            }
            use(op, op.backwardUses(), MemoryFacts.Category.WORKSPACE);
            time++;
        }
        for (Tensor tensor : kept) {
            Life life = lives.get(tensor);
            if (life != null) {
                life.last = time;
            }
        }
    }

    /** @param category of those that nobody has used before and that are no gradients */
    private void use(Op op, List<Tensor> tensors, MemoryFacts.Category category) {
        for (Tensor tensor : tensors) {
            if (tensor.isBound() || external.contains(tensor)) {
                continue;
            }
            Life life = lives.computeIfAbsent(tensor, key -> {
                Life born = new Life(time, Tape.isGradient(tensor) ? MemoryFacts.Category.GRADIENT : category);
                inOrder.put(tensor, born);
                return born;
            });
            life.last = time;
            life.lastUser = op.name();
        }
    }

    List<MemoryFacts.Block> blocks() {
        List<MemoryFacts.Block> blocks = new ArrayList<>();
        inOrder.forEach((tensor, life) -> {
            if (life.again < 0) {
                blocks.add(new MemoryFacts.Block(tensor.name(), life.category, tensor.bytes(), life.first, life.last));
            } else {
                blocks.add(new MemoryFacts.Block(tensor.name(), life.category, tensor.bytes(), life.first, life.before));
                blocks.add(new MemoryFacts.Block(tensor.name(), life.category, tensor.bytes(), life.again, life.last));
            }
        });
        return blocks;
    }

    /** Bytes of the step's slab; binds nothing. */
    long bytes() {
        return place(new LinkedHashMap<>()).peakBytes();
    }

    private StepArena place(Map<Tensor, Integer> ids) {
        StepArena step = new StepArena();
        inOrder.forEach((tensor, life) -> ids.put(
                tensor,
                life.again < 0
                        ? step.request(tensor.bytes(), life.first, life.last)
                        : step.request(tensor.bytes(), life.first, life.before, life.again, life.last)));
        step.plan();
        return step;
    }

    /** Binds every tensor; returns the bytes of the step's slab. */
    long allocate(RunArena arena) {
        Map<Tensor, Integer> ids = new LinkedHashMap<>();
        StepArena step = place(ids);
        Buffer slab = arena.allocate("activations and workspace of a step", Math.max(64, step.peakBytes()));
        ids.forEach((tensor, id) -> {
            tensor.bind(slab, step.offset(id));
            Life life = inOrder.get(tensor);
            if (life.last < time) {
                tensor.markReleased(life.lastUser);
            }
        });
        return step.peakBytes();
    }
}
