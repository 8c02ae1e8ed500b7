package io.culvert.ranks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LaunchTest {
    private static final Map<String, String> TORCHRUN = Map.of(
            "RANK", "5", "WORLD_SIZE", "8", "LOCAL_RANK", "1", "LOCAL_WORLD_SIZE", "4", "MASTER_ADDR", "node-0", "MASTER_PORT",
            "29400");

    @Test
    void readsTorchrun() {
        assertThat(Launch.of(TORCHRUN)).isEqualTo(new Launch(5, 8, 1, 4, "node-0", 29400));
    }

    @Test
    void readsOpenMpi() {
        Map<String, String> environment = Map.of(
                "OMPI_COMM_WORLD_RANK", "1", "OMPI_COMM_WORLD_SIZE", "2", "OMPI_COMM_WORLD_LOCAL_RANK", "1",
                "OMPI_COMM_WORLD_LOCAL_SIZE", "2");
        assertThat(Launch.of(environment)).isEqualTo(new Launch(1, 2, 1, 2, "127.0.0.1", 29500));
    }

    @Test
    void readsSlurm() {
        Map<String, String> environment = Map.of(
                "SLURM_PROCID", "3", "SLURM_NTASKS", "4", "SLURM_LOCALID", "1", "SLURM_NNODES", "2", "MASTER_ADDR", "n0",
                "MASTER_PORT", "1234");
        assertThat(Launch.of(environment)).isEqualTo(new Launch(3, 4, 1, 2, "n0", 1234));
    }

    @Test
    void isAloneWithoutALauncherAndWithASingleRank() {
        assertThat(Launch.of(Map.of("MASTER_ADDR", "somewhere"))).isEqualTo(Launch.ALONE);
        assertThat(Launch.of(Map.of("SLURM_PROCID", "0", "SLURM_NTASKS", "1", "SLURM_LOCALID", "0"))).isEqualTo(Launch.ALONE);
    }

    @Test
    void tellsItsProcessesWhatItReads() {
        Launch launch = Launch.local(1, 3, 4000);
        assertThat(Launch.of(launch.environment())).isEqualTo(launch);
    }

    @Test
    void severalMachinesNeedAnAddress() {
        assertThatThrownBy(() -> Launch.of(Map.of(
                        "SLURM_PROCID", "0", "SLURM_NTASKS", "4", "SLURM_LOCALID", "0", "SLURM_NNODES", "2")))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("no MASTER_ADDR");
    }

    @ParameterizedTest
    @CsvSource({
        "WORLD_SIZE, , not WORLD_SIZE",
        "LOCAL_RANK, , not LOCAL_RANK",
        "MASTER_PORT, , not MASTER_PORT",
        "RANK, eight, RANK=eight in the environment is no whole number",
        "RANK, 8, rank 8 of 8",
        "RANK, -1, rank -1 of 8",
        "LOCAL_RANK, 4, 4 of 4 on its machine",
        "MASTER_PORT, 70000, MASTER_PORT=70000",
    })
    void refusesWhatIsHalfSetOrWrong(String name, String value, String message) {
        Map<String, String> environment = new HashMap<>(TORCHRUN);
        if (value == null) {
            environment.remove(name);
        } else {
            environment.put(name, value);
        }
        assertThatThrownBy(() -> Launch.of(environment))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining(message)
                .satisfies(thrown -> assertThat(((CulvertException) thrown).kind()).isEqualTo(CulvertException.Kind.USAGE));
    }
}
