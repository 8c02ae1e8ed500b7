package io.culvert.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.kernels.KernelMutant.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Plants typical faults in the PTX that ships and asserts that the cases of {@link KernelCases} see each: by values
 * that differ from the twin's, or by what the interpreter finds. A build runs one fault of each kind in each kernel;
 * all of them, about a minute, run with {@code -Dculvert.mutations=all}, or those of some modules with their names.
 */
class KernelMutationTest {
    /** Mutants that change nothing that can be observed, with the reason. */
    private static final Path EQUIVALENT = Path.of("test/resources/kernel-mutants-equivalent.tsv");

    /** No case of a kernel as it ships comes near; a fault that loops for ever is found early. */
    private static final long BUDGET = 100_000;

    private final Map<String, List<KernelCase>> cases = KernelCases.byKernel();
    private final Map<String, String[]> texts = new HashMap<>();

    /** Patterns of names, in which {@code *} stands for anything, and their reasons. */
    private static Map<Pattern, String> equivalent() throws IOException {
        return Files.readAllLines(EQUIVALENT).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(line -> line.split("\t"))
                .collect(Collectors.toMap(
                        columns -> Pattern.compile(Pattern.quote(columns[0]).replace("*", "\\E.*\\Q")),
                        columns -> columns[1]));
    }

    private static boolean matches(Set<Pattern> patterns, KernelMutant mutant) {
        return patterns.stream().anyMatch(pattern -> pattern.matcher(mutant.name()).matches());
    }

    private List<KernelMutant> mutants() {
        List<KernelMutant> all = new ArrayList<>();
        for (String module : ShippedPtx.modules()) {
            texts.put(module, ShippedPtx.text(module).split("\n"));
            all.addAll(KernelMutant.of(module));
        }
        return all;
    }

    /** One of each kind in each kernel, always the same, from all over the kernel. */
    private static List<KernelMutant> sample(List<KernelMutant> all, Set<Pattern> equivalent) {
        Map<String, List<KernelMutant>> kinds = new LinkedHashMap<>();
        for (KernelMutant mutant : all) {
            if (!matches(equivalent, mutant)) {
                kinds.computeIfAbsent(mutant.kernel() + mutant.fault(), key -> new ArrayList<>()).add(mutant);
            }
        }
        return kinds.entrySet().stream()
                .map(kind -> kind.getValue().get(Math.floorMod(kind.getKey().hashCode(), kind.getValue().size())))
                .toList();
    }

    /** Whether any case of the kernel sees the fault. */
    private boolean isSeen(KernelMutant mutant) {
        var kernel = mutant.parse(texts.get(mutant.module())).kernel(mutant.kernel());
        List<ExecutionOrder> orders = List.of(ExecutionOrder.FORWARD, ExecutionOrder.REVERSE);
        List<KernelCase> ofKernel = cases.get(mutant.kernel());
        for (int i = 0; i < ofKernel.size(); i++) {
            if (ofKernel.get(i).check(kernel, orders.get(i % orders.size()), BUDGET) != null) {
                return true;
            }
        }
        return false;
    }

    @Test
    void everyFaultIsSeen() throws IOException {
        Set<Pattern> equivalent = equivalent().keySet();
        List<KernelMutant> all = mutants();
        String which = System.getProperty("culvert.mutations", "");
        List<KernelMutant> chosen = which.isEmpty()
                ? sample(all, equivalent)
                : all.stream()
                        .filter(mutant -> which.equals("all") || Set.of(which.split(",")).contains(mutant.module()))
                        .filter(mutant -> !matches(equivalent, mutant))
                        .toList();
        assertThat(chosen).hasSizeGreaterThan(5);
        Map<Fault, Integer> seen = new HashMap<>();
        List<String> missed = new ArrayList<>();
        for (KernelMutant mutant : chosen) {
            if (isSeen(mutant)) {
                seen.merge(mutant.fault(), 1, Integer::sum);
            } else {
                missed.add(mutant.toString());
            }
        }
        assertThat(missed).as("faults planted in kernels that no test sees (seen: %s)", seen).isEmpty();
    }

    /** A name that fits no mutant any more, since its kernel changed, excuses nothing. */
    @Test
    void theListOfEquivalentFaultsIsCurrent() throws IOException {
        List<KernelMutant> all = mutants();
        Map<Pattern, String> equivalent = equivalent();
        List<String> stale = equivalent.keySet().stream()
                .filter(pattern -> all.stream().noneMatch(mutant -> matches(Set.of(pattern), mutant)))
                .map(Pattern::pattern)
                .toList();
        assertThat(stale).isEmpty();
        assertThat(equivalent.values()).allSatisfy(reason -> assertThat(reason).isNotBlank());
        long excused = all.stream().filter(mutant -> matches(equivalent.keySet(), mutant)).count();
        assertThat(excused).as("of %d faults", all.size()).isLessThan(all.size() / 4);
    }
}
