package io.culvert.method;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PatchMasksTest {
    private static final int IMAGES = 64;
    private static final int PATCHES = 16;
    private static final int KEPT = 4;

    private static PatchMasks masks(RunArena arena, long seed) {
        PatchMasks masks = new PatchMasks(new Tape(true), arena, PatchMasks.random(seed), IMAGES, PATCHES, KEPT);
        for (Tensor tensor : masks.inputs()) {
            tensor.bind(arena.allocate(tensor.name(), tensor.bytes()), 0);
        }
        return masks;
    }

    private static int[] ints(Tensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_INT);
    }

    @Test
    void allInputsSayTheSame() {
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            PatchMasks masks = masks(arena, 1);
            masks.draw(3, 0);
            int[] visible = ints(masks.visible().chosen());
            int[] slots = ints(masks.visible().slots());
            int[] removed = ints(masks.removed().chosen());
            int[] removedSlots = ints(masks.removed().slots());
            int[] places = new int[PATCHES];
            for (int image = 0; image < IMAGES; image++) {
                int[] stay = Arrays.copyOfRange(visible, image * KEPT, (image + 1) * KEPT);
                int[] go = Arrays.copyOfRange(removed, image * (PATCHES - KEPT), (image + 1) * (PATCHES - KEPT));
                assertThat(stay).isSorted().doesNotHaveDuplicates();
                assertThat(go).isSorted().doesNotHaveDuplicates();
                for (int place = 0; place < PATCHES; place++) {
                    int slot = Arrays.binarySearch(stay, place);
                    assertThat(slots[image * PATCHES + place]).isEqualTo(slot < 0 ? -1 : slot);
                    assertThat(removedSlots[image * PATCHES + place])
                            .isEqualTo(slot < 0 ? Arrays.binarySearch(go, place) : -1);
                    places[place] += slot < 0 ? 0 : 1;
                }
            }
            assertThat(masks.ones().toFloats()).hasSize(removed.length).containsOnly(1);
            // Of 64 images a place stays in 16 +- 3.5.
            assertThat(Arrays.stream(places).boxed().toList()).allMatch(count -> count > 2 && count < 32);
        }
    }

    /** What a resumed run needs: the step alone decides, not what was drawn before. */
    @Test
    void aStepDrawsTheSameWhateverCameBefore() {
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            PatchMasks whole = masks(arena, 1);
            int[][] drawn = IntStream.range(0, 4).mapToObj(step -> {
                whole.draw(step, 0);
                return ints(whole.visible().chosen());
            }).toArray(int[][]::new);
            PatchMasks resumed = masks(arena, 1);
            resumed.draw(3, 0);
            assertThat(ints(resumed.visible().chosen())).isEqualTo(drawn[3]).isNotEqualTo(drawn[2]);
            PatchMasks other = masks(arena, 2);
            other.draw(3, 0);
            assertThat(ints(other.visible().chosen())).isNotEqualTo(drawn[3]);
        }
    }
}
