package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.model.Init;
import io.culvert.model.PositionResampling;
import io.culvert.model.VitTiny;
import io.culvert.tensor.ParameterStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Positions learned on another image size. */
class PositionsTest {
    @TempDir
    Path folder;

    /** Golden numbers of timm's resample_abs_pos_embed, written by {@code tools/vectors/golden.py}. */
    @Test
    void areResampledAsTimmDoes() throws IOException {
        JsonNode cases = new ObjectMapper()
                .readTree(getClass().getResource("/golden/step_a.json"))
                .get("positions");
        assertThat(cases).hasSize(3);
        for (JsonNode golden : cases) {
            int side = golden.get("side").asInt();
            float[] values = new float[2 * (1 + side * side)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(1 + 0.7 * (i / 2) + 1.3 * (i % 2));
            }
            float[] got = PositionResampling.resample(
                    values, side, golden.get("height").asInt(), golden.get("width").asInt(), 2);
            assertThat(got).hasSize(golden.get("values").size());
            for (int i = 0; i < got.length; i++) {
                assertThat(got[i]).isCloseTo((float) golden.get("values").get(i).asDouble(), within(1e-6f));
            }
        }
    }

    @Test
    void aCheckpointOfAnotherImageSizeLoads() {
        Path file = folder.resolve("encoder.safetensors");
        try (CpuDevice device = CpuDevice.open(1);
                RunArena arena = new RunArena(device)) {
            VitTiny small = network(arena, 32, 16, 3);
            Checkpoint.saveEncoder(file, small, 0, Map.of());
            VitTiny large = network(arena, 48, 16, 4);
            Checkpoint.loadEncoder(EncoderFile.strict(file), large);
            float[] before = positions(small);
            float[] after = positions(large);
            assertThat(after).hasSize(192 * 10);
            assertThat(Arrays.copyOf(after, 192)).isEqualTo(Arrays.copyOf(before, 192));
            // A corner of the larger grid lies nearest to the same corner of the smaller one.
            assertThat(after[192]).isNotEqualTo(before[192]).isCloseTo(before[192], within(0.03f));
            assertThat(large.parameters().getLast().value().toFloats())
                    .isEqualTo(small.parameters().getLast().value().toFloats());
            VitTiny other = network(arena, 48, 8, 4);
            assertThatThrownBy(() -> Checkpoint.loadEncoder(EncoderFile.strict(file), other))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("patch_embed.proj.weight");
        }
    }

    private static VitTiny network(RunArena arena, int size, int patch, int seed) {
        ParameterStore store = new ParameterStore();
        VitTiny network = new VitTiny(store, size, size, patch, 1);
        store.allocate(arena);
        network.initialise(new Init(seed));
        return network;
    }

    private static float[] positions(VitTiny network) {
        return network.positions().orElseThrow().parameter().value().toFloats();
    }
}
