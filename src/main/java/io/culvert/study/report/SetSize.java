package io.culvert.study.report;

import io.culvert.metric.Multiplicity;
import java.util.ArrayList;
import java.util.List;

/**
 * What a network reaches on sets that shrink with the share of defects, against sets of one size.
 *
 * @param contrast published less fixed size, over the shares and seeds that both have
 * @param holm its p, adjusted for all networks
 */
public record SetSize(Network network, Contrast contrast, double holm) {
    static final String PUBLISHED = "published";
    static final String FIXED = "fixed_size";

    /** Every network that has runs of both kinds in common; none where the study has one kind. */
    static List<SetSize> of(Grid grid) {
        List<SetSize> sizes = new ArrayList<>();
        for (Network network : grid.networks()) {
            List<Block> both = grid.of(network).keySet().stream()
                    .filter(block -> block.sampling().equals(PUBLISHED) && grid.of(network).containsKey(fixed(block)))
                    .toList();
            if (!both.isEmpty()) {
                Contrast contrast = Contrast.of(
                        network.row(),
                        both.stream().mapToDouble(block -> grid.value(network, block)).toArray(),
                        both.stream().mapToDouble(block -> grid.value(network, fixed(block))).toArray());
                sizes.add(new SetSize(network, contrast, Double.NaN));
            }
        }
        double[] holm = Multiplicity.holm(sizes.stream().mapToDouble(size -> size.contrast().p()).toArray());
        List<SetSize> adjusted = new ArrayList<>();
        for (int i = 0; i < holm.length; i++) {
            adjusted.add(new SetSize(sizes.get(i).network(), sizes.get(i).contrast(), holm[i]));
        }
        return adjusted;
    }

    private static Block fixed(Block block) {
        return new Block(FIXED, block.share(), block.seed());
    }
}
