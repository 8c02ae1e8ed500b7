package io.culvert.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.Interpreter;
import io.culvert.emulator.ptx.PtxModule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Every kernel that ships, also those that no operation uses yet, against plain double-precision loops: run by the
 * interpreter from the PTX, with its checks, in three orders of blocks and warps.
 */
class ShippedKernelsTest {
    private static final List<ExecutionOrder> ORDERS =
            List.of(ExecutionOrder.FORWARD, ExecutionOrder.REVERSE, ExecutionOrder.shuffled(5));

    @Test
    void everyKernelEqualsItsTwin() {
        Map<String, List<KernelCase>> cases = KernelCases.byKernel();
        Map<String, PtxModule> modules = new HashMap<>();
        List<String> wrong = new ArrayList<>();
        for (List<KernelCase> ofKernel : cases.values()) {
            for (int i = 0; i < ofKernel.size(); i++) {
                KernelCase made = ofKernel.get(i);
                PtxModule module = modules.computeIfAbsent(made.module, name -> PtxModule.parse(ShippedPtx.text(name)));
                String problem = made.check(
                        module.kernel(made.kernel), ORDERS.get(i % ORDERS.size()), Interpreter.DEFAULT_INSTRUCTION_BUDGET);
                if (problem != null) {
                    wrong.add(problem);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyKernelHasSeveralCases() {
        Map<String, List<KernelCase>> cases = KernelCases.byKernel();
        List<String> shipped = new ArrayList<>();
        ShippedPtx.modules().forEach(name -> shipped.addAll(ShippedPtx.kernels(name)));
        assertThat(cases.keySet()).containsExactlyInAnyOrderElementsOf(shipped);
        List<String> few = cases.keySet().stream()
                .filter(kernel -> cases.get(kernel).size() < ORDERS.size())
                .toList();
        assertThat(few).as("kernels with fewer cases than orders").isEmpty();
    }
}
