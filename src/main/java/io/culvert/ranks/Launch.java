package io.culvert.ranks;

import io.culvert.CulvertException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Which of the processes of a run this one is, as whoever started them says in the environment: torchrun, Open MPI's mpirun
 * or Slurm's srun, the first of them that said anything.
 *
 * @param rank of this process, from 0
 * @param size how many there are
 * @param localRank of this process among those of its machine, which is the number of its GPU
 * @param localSize how many share this machine
 * @param host where rank 0 waits for the others
 * @param port of rank 0
 */
public record Launch(int rank, int size, int localRank, int localSize, String host, int port) {
    /** One process and no other. */
    public static final Launch ALONE = new Launch(0, 1, 0, 1, "", 0);

    private static final String ADDRESS = "MASTER_ADDR";
    private static final String PORT = "MASTER_PORT";
    private static final String LOOPBACK = "127.0.0.1";
    /** What PyTorch takes where nobody says one. */
    private static final String USUAL_PORT = "29500";
    private static final int LAST_PORT = 65_535;

    /** @throws CulvertException (usage) if the numbers contradict each other */
    public Launch {
        if (size < 1 || rank < 0 || rank >= size || localRank < 0 || localSize < 1 || localRank >= localSize
                || localSize > size) {
            throw CulvertException.usage(
                    "rank %d of %d, and %d of %d on its machine, cannot be: a rank counts from 0 and is less than the number of ranks",
                    rank, size, localRank, localSize);
        }
        if (size > 1 && (port < 1 || port > LAST_PORT)) {
            throw CulvertException.usage("%s=%d: a port is a number from 1 to %d", PORT, port, LAST_PORT);
        }
    }

    /** One of several processes that all run on this machine. */
    public static Launch local(int rank, int size, int port) {
        return new Launch(rank, size, rank, size, LOOPBACK, port);
    }

    /** The variables that tell a process the same, in torchrun's words. */
    public Map<String, String> environment() {
        return Map.of(
                "RANK", Integer.toString(rank),
                "WORLD_SIZE", Integer.toString(size),
                "LOCAL_RANK", Integer.toString(localRank),
                "LOCAL_WORLD_SIZE", Integer.toString(localSize),
                ADDRESS, host,
                PORT, Integer.toString(port));
    }

    /**
     * Reads the environment of a process; {@link #ALONE} where nobody says that there are others.
     *
     * @throws CulvertException (usage) that names a variable that lacks, or that is no such number
     */
    public static Launch of(Map<String, String> environment) {
        Variables variables = new Variables(environment);
        if (variables.has("RANK") || variables.has("WORLD_SIZE")) {
            return variables.torchrun();
        }
        if (variables.has("OMPI_COMM_WORLD_RANK") || variables.has("OMPI_COMM_WORLD_SIZE")) {
            return variables.openMpi();
        }
        if (variables.has("SLURM_PROCID") && variables.has("SLURM_NTASKS")) {
            return variables.slurm();
        }
        return ALONE;
    }

    /** How error messages call it. */
    public String describe() {
        return "rank " + rank + " of " + size;
    }

    private record Variables(Map<String, String> environment) {
        boolean has(String name) {
            return environment.containsKey(name);
        }

        Launch torchrun() {
            require("torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", ADDRESS, PORT);
            int size = number("WORLD_SIZE");
            int localSize = has("LOCAL_WORLD_SIZE") ? number("LOCAL_WORLD_SIZE") : size;
            return launch(number("RANK"), size, number("LOCAL_RANK"), localSize);
        }

        Launch openMpi() {
            require("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                    "OMPI_COMM_WORLD_LOCAL_SIZE");
            return launch(
                    number("OMPI_COMM_WORLD_RANK"), number("OMPI_COMM_WORLD_SIZE"), number("OMPI_COMM_WORLD_LOCAL_RANK"),
                    number("OMPI_COMM_WORLD_LOCAL_SIZE"));
        }

        Launch slurm() {
            require("Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID");
            int size = number("SLURM_NTASKS");
            int nodes = has("SLURM_NNODES") ? number("SLURM_NNODES") : 1;
            int localSize = has("SLURM_NTASKS_PER_NODE") ? number("SLURM_NTASKS_PER_NODE") : Math.ceilDiv(size, Math.max(1, nodes));
            return launch(number("SLURM_PROCID"), size, number("SLURM_LOCALID"), localSize);
        }

        private Launch launch(int rank, int size, int localRank, int localSize) {
            if (size == 1 && rank == 0) {
                return ALONE;
            }
            if (localSize < size && !has(ADDRESS)) {
                throw CulvertException.usage(
                        "%d ranks on several machines and no %s: set it to the name or address of rank 0's machine", size, ADDRESS);
            }
            return new Launch(
                    rank, size, localRank, localSize, environment.getOrDefault(ADDRESS, LOOPBACK),
                    has(PORT) ? number(PORT) : Integer.parseInt(USUAL_PORT));
        }

        private void require(String launcher, String... names) {
            List<String> missing = new ArrayList<>();
            for (String name : names) {
                if (!has(name)) {
                    missing.add(name);
                }
            }
            if (!missing.isEmpty()) {
                throw CulvertException.usage(
                        "the environment says that %s started this process, but not %s: start it with %s, set the variable,"
                                + " or train alone with --ranks 1",
                        launcher, String.join(", ", missing), launcher);
            }
        }

        private int number(String name) {
            try {
                return Integer.parseInt(environment.get(name).strip());
            } catch (NumberFormatException e) {
                throw CulvertException.usage(
                        "%s=%s in the environment is no whole number: mend it, or train alone with --ranks 1",
                        name, environment.get(name));
            }
        }
    }
}
