package io.culvert.kernels;

import io.culvert.emulator.ptx.PtxModule;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A shipped kernel with one fault planted in its PTX.
 *
 * @param place the file and the text of its line in the CUDA source
 * @param copy the how-manieth of the same fault at the same place; 0 where all of them are one mutant, as a change of
 *     the source would make it: the compiler copies loops
 * @param edits new text by line of the module, counted from 0
 */
record KernelMutant(String module, String kernel, Fault fault, String place, int copy, Map<Integer, String> edits) {
    /** What is planted. */
    enum Fault {
        /** {@code <} for {@code <=} and the like, of integers: a bound that is off by one. */
        BOUND(false),
        /** A barrier of the block, or the wait for an asynchronous copy, left out. */
        BARRIER(true),
        /** One step of a sum or maximum over lanes left out: each lane gets its own value back. */
        SHUFFLE(true),
        /** Two pointers that follow each other in the parameter list taken for each other. */
        POINTERS(true),
        /** An index multiplied by twice the size. */
        STRIDE(false),
        /** {@code +} for {@code -}, a factor or an addend left out, of floating-point numbers. */
        ARITHMETIC(false);

        /** Whether each copy is a mutant of its own. */
        private final boolean single;

        Fault(boolean single) {
            this.single = single;
        }
    }

    private static final Pattern ENTRY = Pattern.compile("\\.visible \\.entry (\\w+)\\(");
    private static final Pattern LOCATION = Pattern.compile("\\s*\\.loc\\s+(\\d+) (\\d+) .*");
    private static final Pattern FILE = Pattern.compile("\\s*\\.file\\s+(\\d+) \"[^\"]*?([^/\"]+)\"");
    private static final Pattern COMPARE = Pattern.compile("setp\\.(lt|le|gt|ge)\\.([su](?:32|64))");
    private static final Map<String, String> OTHER = Map.of("lt", "le", "le", "lt", "gt", "ge", "ge", "gt");
    private static final Pattern SHUFFLE_STEP = Pattern.compile("(shfl\\.sync\\.bfly\\.b32\\s+\\S+ \\S+) \\S+,");
    private static final Pattern POINTER = Pattern.compile("(\\s+ld\\.param\\.u64\\s+\\S+ \\[\\w+_param_)(\\d+)(];)");
    private static final Pattern PRODUCT = Pattern.compile("(mul\\.wide\\.[su]32\\s+\\S+ \\S+) (\\d+);");
    private static final Pattern SHIFT = Pattern.compile("(shl\\.b64\\s+\\S+ \\S+) ([1-4]);");
    private static final Pattern SUM = Pattern.compile("\\b(add|sub)(\\.f(?:32|64))");
    private static final Pattern FACTOR = Pattern.compile("mul\\.f(32|64)(\\s+\\S+ \\S+) \\S+;");
    private static final Pattern ADDEND =
            Pattern.compile("fma\\.rn\\.f(32|64)(\\s+\\S+ \\S+ \\S+) (%\\w+);");

    /** All mutants of a module's kernels, in the order of the text. */
    static List<KernelMutant> of(String module) {
        String[] lines = ShippedPtx.text(module).split("\n");
        Map<String, String> files = new HashMap<>();
        for (String line : lines) {
            Matcher file = FILE.matcher(line);
            if (file.matches()) {
                files.put(file.group(1), file.group(2));
            }
        }
        Map<String, KernelMutant> mutants = new LinkedHashMap<>();
        Map<String, Integer> copies = new HashMap<>();
        Map<String, Integer> copyAt = new HashMap<>();
        String kernel = "";
        String place = "";
        for (int i = 0; i < lines.length; i++) {
            Matcher entry = ENTRY.matcher(lines[i]);
            if (entry.find()) {
                kernel = entry.group(1);
            }
            Matcher location = LOCATION.matcher(lines[i]);
            if (location.matches()) {
                place = ShippedPtx.place(files.get(location.group(1)), Integer.parseInt(location.group(2)));
            }
            for (Map.Entry<Fault, List<String>> change : changes(lines, i).entrySet()) {
                Fault fault = change.getKey();
                String at = kernel + fault + place;
                int first = fault == Fault.SHUFFLE ? startOfDouble(lines, i) : i;
                int copy = fault.single
                        ? copyAt.computeIfAbsent(at + "@" + first, key -> copies.merge(at, 1, Integer::sum))
                        : 0;
                KernelMutant made = new KernelMutant(module, kernel, fault, place, copy, new TreeMap<>());
                KernelMutant kept = mutants.computeIfAbsent(made.name(), name -> made);
                for (int k = 0; k < change.getValue().size(); k++) {
                    kept.edits.put(i + k, change.getValue().get(k));
                }
            }
        }
        return List.copyOf(mutants.values());
    }

    /** Where a double is taken apart whose halves go through two shuffles, which are one step; else the line itself. */
    private static int startOfDouble(String[] lines, int shuffle) {
        for (int i = shuffle - 1; i > shuffle - 15; i--) {
            if (lines[i].contains("mov.b64 {")) {
                return i;
            }
            if (lines[i].contains("mov.b64 %fd")) {
                break;
            }
        }
        return shuffle;
    }

    private static Map<Fault, List<String>> changes(String[] lines, int i) {
        String line = lines[i];
        Map<Fault, List<String>> changes = new EnumMap<>(Fault.class);
        if (line.contains("bar.sync") || line.contains("cp.async.wait_all") || line.contains("bar.warp.sync")) {
            changes.put(Fault.BARRIER, List.of(""));
        }
        Matcher compare = COMPARE.matcher(line);
        if (compare.find()) {
            String other = "setp." + OTHER.get(compare.group(1)) + "." + compare.group(2);
            changes.put(Fault.BOUND, List.of(compare.replaceFirst(other)));
        }
        replace(changes, Fault.SHUFFLE, SHUFFLE_STEP.matcher(line), "$1 0,");
        Matcher pointer = POINTER.matcher(line);
        Matcher next = POINTER.matcher(lines[Math.min(i + 1, lines.length - 1)]);
        if (pointer.matches() && next.matches()) {
            changes.put(
                    Fault.POINTERS,
                    List.of(
                            pointer.group(1) + next.group(2) + pointer.group(3),
                            next.group(1) + pointer.group(2) + next.group(3)));
        }
        Matcher product = PRODUCT.matcher(line);
        if (product.find()) {
            changes.put(Fault.STRIDE, List.of(product.replaceFirst("$1 " + 2 * Integer.parseInt(product.group(2)) + ";")));
        }
        Matcher shift = SHIFT.matcher(line);
        if (shift.find()) {
            changes.put(Fault.STRIDE, List.of(shift.replaceFirst("$1 " + (Integer.parseInt(shift.group(2)) + 1) + ";")));
        }
        Matcher sum = SUM.matcher(line);
        if (sum.find()) {
            String other = sum.group(1).equals("add") ? "sub" : "add";
            changes.put(Fault.ARITHMETIC, List.of(sum.replaceFirst(other + "$2")));
        }
        replace(changes, Fault.ARITHMETIC, FACTOR.matcher(line), "mov.f$1$2;");
        replace(changes, Fault.ARITHMETIC, ADDEND.matcher(line), "mul.f$1$2;");
        return changes;
    }

    private static void replace(Map<Fault, List<String>> changes, Fault fault, Matcher matcher, String with) {
        if (matcher.find()) {
            String changed = matcher.replaceFirst(with);
            // The operands of an instruction that lost one end in a comma.
            changes.put(fault, List.of(changed.replace(",;", ";")));
        }
    }

    /** Its name in the list of those that change nothing. */
    String name() {
        return "%s %s %s %d".formatted(kernel, fault, place, copy);
    }

    /**
     * The module with this fault, all other kernels left out.
     *
     * @param lines the module's text
     */
    PtxModule parse(String[] lines) {
        StringBuilder text = new StringBuilder();
        boolean inOther = false;
        for (int i = 0; i < lines.length; i++) {
            Matcher entry = ENTRY.matcher(lines[i]);
            if (entry.find()) {
                inOther = !entry.group(1).equals(kernel);
            }
            if (!inOther) {
                text.append(edits.getOrDefault(i, lines[i])).append('\n');
            }
            inOther &= !lines[i].equals("}");
        }
        return PtxModule.parse(text.toString());
    }

    @Override
    public String toString() {
        int first = edits.keySet().iterator().next();
        return "%s (%d edits from line %d: %s)".formatted(name(), edits.size(), first + 1, edits.get(first).strip());
    }
}
