package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.ops.masking.ChosenPatchesOp;
import io.culvert.ops.masking.PlacedTokensOp;
import io.culvert.ops.masking.Places;
import io.culvert.ops.masking.UnshuffleOp;
import io.culvert.ops.tokens.TokenSliceOp;
import io.culvert.reference.Reference;
import io.culvert.tensor.DType;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The operations of masked autoencoders against their twins. */
class MaskingOpsTest {
    /** Places that stay, each once an image. */
    private static int[] visible(int images, int places, int kept) {
        SplittableRandom random = new SplittableRandom(3);
        int[] visible = new int[images * kept];
        for (int n = 0; n < images; n++) {
            int[] order = random.ints(0, places).distinct().limit(kept).toArray();
            System.arraycopy(order, 0, visible, n * kept, kept);
        }
        return visible;
    }

    private static int[] slots(int[] visible, int images, int places) {
        int[] slots = new int[images * places];
        Arrays.fill(slots, -1);
        int kept = visible.length / images;
        for (int i = 0; i < visible.length; i++) {
            slots[i / kept * places + visible[i]] = i % kept;
        }
        return slots;
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 2, 1, 2, 1", "3, 4, 6, 3, 2, 2", "2, 6, 9, 2, 3, 6", "5, 4, 4, 1, 1, 7"})
    void chosenPatches(int n, int h, int w, int c, int patch, int kept) {
        int places = h / patch * (w / patch);
        int[] visible = visible(n, places, kept);
        new OpTestKit()
                .input("x", n, h, w, c)
                .integers("visible", visible, n, kept)
                .integers("slots", slots(visible, n, places), n, places)
                .check(
                        (tape, x, p, store) -> ChosenPatchesOp.record(
                                tape, "patches", x.get("x"), new Places(x.get("visible"), x.get("slots")), patch),
                        v -> Reference.visiblePatches(v.get("x"), h, w, c, patch, v.get("visible")));
    }

    @ParameterizedTest
    @CsvSource({"2, 6, 9, 2, 3, 6", "3, 4, 6, 3, 2, 2"})
    void chosenPatchesAsImages(int n, int h, int w, int c, int patch, int kept) {
        int places = h / patch * (w / patch);
        int[] visible = visible(n, places, kept);
        new OpTestKit()
                .input("x", n, h, w, c)
                .integers("visible", visible, n, kept)
                .integers("slots", slots(visible, n, places), n, places)
                .check(
                        (tape, x, p, store) -> {
                            Places chosen = new Places(x.get("visible"), x.get("slots"));
                            Tensor y = ChosenPatchesOp.recordColumn(tape, "patches", x.get("x"), chosen, patch);
                            assertThat(y.shape()).isEqualTo(Shape.of(n, kept * patch, patch, c));
                            return y;
                        },
                        v -> Reference.visiblePatches(v.get("x"), h, w, c, patch, v.get("visible")));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "3, 5, 7, 2", "2, 33, 8, 31", "5, 4, 8, 4"})
    void chosenTokens(int n, int places, int width, int kept) {
        int[] visible = visible(n, places, kept);
        new OpTestKit()
                .input("x", n, places, width)
                .integers("visible", visible, n, kept)
                .integers("slots", slots(visible, n, places), n, places)
                .check(
                        (tape, x, p, store) -> ChosenPatchesOp.recordTokens(
                                tape, "tokens", x.get("x"), new Places(x.get("visible"), x.get("slots"))),
                        v -> Reference.visiblePatches(v.get("x"), 1, places, width, 1, v.get("visible")));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "3, 5, 2, 7", "65, 3, 1, 9", "5, 33, 31, 8"})
    void placedTokens(int n, int places, int kept, int width) {
        new OpTestKit()
                .input("x", n, kept, width)
                .constant("position", 1, 1 + places, width)
                .integers("visible", visible(n, places, kept), n, kept)
                .parameter("token", 1, 1, width)
                .check(
                        (tape, x, p, store) -> PlacedTokensOp.record(
                                tape, "tokens", x.get("x"), p.get("token"), x.get("position"), x.get("visible")),
                        v -> Reference.placedTokens(
                                v.get("x"), n, v.get("token"), v.get("position"), v.get("visible")));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 5, 7", "33, 3, 8"})
    void placedTokensOfWholeImages(int n, int places, int width) {
        new OpTestKit()
                .input("x", n, places, width)
                .constant("position", 1, 1 + places, width)
                .parameter("token", 1, 1, width)
                .check(
                        (tape, x, p, store) -> PlacedTokensOp.record(
                                tape, "tokens", x.get("x"), p.get("token"), x.get("position"), null),
                        v -> Reference.tokens(v.get("x"), n, v.get("token"), v.get("position")));
    }

    /** More mask tokens than a tile of the sum, none, and one. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "3, 5, 2, 7", "2, 197, 31, 3", "33, 2, 1, 9", "2, 6, 6, 8"})
    void unshuffle(int n, int places, int kept, int width) {
        new OpTestKit()
                .input("x", n, 1 + kept, width)
                .constant("position", 1, 1 + places, width)
                .integers("slots", slots(visible(n, places, kept), n, places), n, places)
                .parameter("mask", 1, 1, width)
                .check(
                        (tape, x, p, store) -> UnshuffleOp.record(
                                tape, "unshuffle", x.get("x"), x.get("slots"), p.get("mask"), x.get("position")),
                        v -> Reference.unshuffle(v.get("x"), n, v.get("mask"), v.get("position"), v.get("slots")));
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 1", "3, 5, 7", "33, 3, 8"})
    void patchTokens(int n, int length, int width) {
        new OpTestKit()
                .input("x", n, length, width)
                .check(
                        (tape, x, p, store) -> TokenSliceOp.patches(tape, "patches", x.get("x")),
                        v -> Reference.laterRows(v.get("x"), n, width));
    }

    @Test
    void indicesMustFit() {
        Tape tape = new Tape(true);
        Tensor x = Tensor.f32("x", 2, 4, 4, 3);
        Tensor visible = new Tensor("visible", Shape.of(2, 1), DType.I32);
        Tensor slots = new Tensor("slots", Shape.of(2, 5), DType.I32);
        assertThatThrownBy(() -> ChosenPatchesOp.record(tape, "patches", x, new Places(visible, slots), 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("slots I32")
                .hasMessageContaining("do not fit 4 patches");
        assertThatThrownBy(() -> ChosenPatchesOp.record(tape, "patches", x, new Places(Tensor.f32("v", 2, 1), slots), 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs integers for 2 images");
    }
}
