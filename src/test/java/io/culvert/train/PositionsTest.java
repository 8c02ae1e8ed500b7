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
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.tensor.ParameterStore;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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

    /** An encoder of a masked autoencoder has timm's names, so that it loads as any other: with learned positions, too. */
    @Test
    void fixedPositionsAreSavedLikeLearnedOnes() {
        Path file = folder.resolve("encoder.safetensors");
        try (CpuDevice device = CpuDevice.open(1);
                Arena memory = Arena.ofConfined();
                RunArena arena = new RunArena(device)) {
            VitTiny fixed = fixed(arena, 32, 3);
            Checkpoint.saveEncoder(file, fixed, 0, Map.of());
            assertThat(SafetensorsFile.map(file, memory).tensor("pos_embed").shape()).containsExactly(1L, 5L, 192L);
            float[] features = features(device, fixed, 32);
            for (VitTiny other : List.of(network(arena, 32, 16, 4), fixed(arena, 32, 4))) {
                assertThat(features(device, other, 32)).isNotEqualTo(features);
                Checkpoint.loadEncoder(EncoderFile.strict(file), other);
                assertThat(features(device, other, 32)).isEqualTo(features);
            }
            VitTiny large = fixed(arena, 48, 4);
            float[] drawn = positions(large);
            Checkpoint.loadEncoder(EncoderFile.strict(file), large);
            assertThat(positions(large)).hasSize(192 * 10).isNotEqualTo(drawn);
        }
    }

    private static VitTiny fixed(RunArena arena, int size, int seed) {
        ParameterStore store = new ParameterStore();
        VitTiny network = new VitTiny(store, size, size, 16, new VitTiny.Sizes(192, 1, 3), VitTiny.Start.MAE);
        store.allocate(arena);
        network.initialise(new Init(seed));
        return network;
    }

    private static float[] features(CpuDevice device, VitTiny network, int size) {
        try (RunArena arena = new RunArena(device)) {
            Encoder encoder = new Encoder(arena, network, 2, size);
            float[] pixels = new float[2 * size * size * 3];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = (float) Math.sin(i);
            }
            MemorySegment memory = arena.hostMemory((long) pixels.length * Float.BYTES);
            MemorySegment.copy(pixels, 0, memory, ValueLayout.JAVA_FLOAT, 0, pixels.length);
            encoder.pixels().feed(memory);
            float[] features = new float[2 * network.features()];
            encoder.encode(2, features, 0);
            return features;
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
        return network.positions().orElseThrow().value().toFloats();
    }
}
