package io.culvert.device.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The parameter lists of the kernels in a PTX file: what a launch is checked against before the driver sees it. */
final class PtxSignatures {
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)\\s*\\(([^)]*)\\)");
    private static final Pattern PARAMETER =
            Pattern.compile("\\.param\\s+(?:\\.align\\s+\\d+\\s+)?\\.([a-z])(\\d+)\\s+(?:\\.ptr[^,]*?\\s)?(\\w+)(?:\\[(\\d+)])?");

    private PtxSignatures() {}

    /** Bytes of each parameter, by kernel. */
    static Map<String, List<Integer>> of(String ptx) {
        Map<String, List<Integer>> kernels = new HashMap<>();
        Matcher entry = ENTRY.matcher(ptx);
        while (entry.find()) {
            List<Integer> sizes = new ArrayList<>();
            Matcher parameter = PARAMETER.matcher(entry.group(2));
            while (parameter.find()) {
                int count = parameter.group(4) == null ? 1 : Integer.parseInt(parameter.group(4));
                sizes.add(Integer.parseInt(parameter.group(2)) / Byte.SIZE * count);
            }
            kernels.put(entry.group(1), sizes);
        }
        return kernels;
    }
}
