package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.model.Init;
import io.culvert.model.ResNet18;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.SafetensorsWriter;
import io.culvert.safetensors.StoredTensor;
import io.culvert.tensor.ParameterStore;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncoderFileTest {
    @TempDir
    Path folder;

    private final CpuDevice device = CpuDevice.open(1);
    private final RunArena arena = new RunArena(device);
    private Path whole;
    private ResNet18 target;

    @BeforeEach
    void writeOne() {
        whole = folder.resolve("whole.safetensors");
        Checkpoint.saveEncoder(whole, network(1), 3, Map.of());
        target = network(2);
    }

    @AfterEach
    void giveBack() {
        arena.close();
        device.close();
    }

    private ResNet18 network(int seed) {
        ParameterStore store = new ParameterStore();
        ResNet18 network = new ResNet18(store, false);
        store.allocate(arena);
        network.initialise(new Init(seed));
        return network;
    }

    /** The file without some tensors and with others. */
    private Path changed(Predicate<String> keep, String... more) {
        Path file = folder.resolve("changed.safetensors");
        try (Arena memory = Arena.ofConfined()) {
            List<StoredTensor> tensors =
                    new ArrayList<>(SafetensorsFile.map(whole, memory).tensors());
            tensors.removeIf(tensor -> !keep.test(tensor.name()));
            for (String name : more) {
                tensors.add(StoredTensor.floats(memory, name, List.of(1L), 1f));
            }
            SafetensorsWriter.write(file, Map.of(), tensors);
        }
        return file;
    }

    private float[] weight(String name) {
        return target.parameters().stream()
                .filter(parameter -> parameter.name().equals(name))
                .findFirst()
                .orElseThrow()
                .value()
                .toFloats();
    }

    @Test
    void timmsClassifierIsPassedOver() {
        EncoderFile.strict(changed(name -> true, "fc.weight", "fc.bias")).load(target);
        ResNet18 other = network(1);
        assertThat(weight("conv1.weight"))
                .isEqualTo(other.parameters().getFirst().value().toFloats());
    }

    @Test
    void missingTensorsAreListed() {
        Path file = changed(name -> !name.startsWith("layer4.1.conv"));
        assertThatThrownBy(() -> EncoderFile.strict(file).load(target))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("lacks layer4.1.conv1.weight, layer4.1.conv2.weight:")
                .hasMessageContaining("--allow-missing");
    }

    @Test
    void missingTensorsKeepTheirInitialValues() {
        float[] conv1 = weight("conv1.weight");
        float[] conv2 = weight("layer4.1.conv2.weight");
        new EncoderFile(changed(name -> !name.startsWith("layer4.1.conv")), true, false).load(target);
        assertThat(weight("conv1.weight")).isNotEqualTo(conv1);
        assertThat(weight("layer4.1.conv2.weight")).isEqualTo(conv2);
    }

    @Test
    void unknownTensorsAreListed() {
        Path file = changed(name -> true, "projector.0.weight", "extra");
        assertThatThrownBy(() -> EncoderFile.strict(file).load(target))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("holds extra, projector.0.weight, which resnet18 does not have")
                .hasMessageContaining("--ignore-unknown");
        new EncoderFile(file, false, true).load(target);
    }

    /** A file of another architecture has nothing in common: loading nothing would be no loading. */
    @Test
    void nothingInCommonIsAnErrorWhateverIsAllowed() {
        Path file = changed(name -> false, "blocks.0.norm1.weight");
        assertThatThrownBy(() -> new EncoderFile(file, true, true).load(target))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("has not one tensor of resnet18");
    }
}
