package io.culvert.kernels;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What holds every shipped kernel to plain double-precision loops. */
final class KernelCases {
    private KernelCases() {}

    /** The cases by kernel. */
    static Map<String, List<KernelCase>> byKernel() {
        Map<String, List<KernelCase>> cases = new LinkedHashMap<>();
        Stream.of(
                        ElementwiseCases.all(),
                        RowCases.all(),
                        BatchNormCases.all(),
                        MaskingCases.all(),
                        RanksCases.all(),
                        TokenCases.all(),
                        OptimCases.all(),
                        NtXentCases.all(),
                        LossCases.all(),
                        AugmentCases.all(),
                        AttentionCases.all(),
                        ClassAttentionCases.all())
                .flatMap(List::stream)
                .sorted(Comparator.comparing(made -> made.module))
                .forEach(made -> cases.computeIfAbsent(made.kernel, name -> new ArrayList<>()).add(made));
        return cases;
    }
}
